// The same frontend for Relay.
import { graphql } from "relay-runtime";

export const TripCard = graphql`
  fragment documents_tripCard on Trip {
    title
    status
    startDate
    budget
    currency
  }
`;

export const TripList = graphql`
  query documentsTripListQuery($filter: TripFilter) {
    ...documents_tripList @arguments(filter: $filter)
  }
`;

// One of two that fails leaves the other its answer. Whoever asks so must look for null …
export const Either = graphql`
  query documentsEitherQuery($first: Int!) {
    viewer {
      displayName
    }
    trips(first: $first) {
      totalCount
    }
  }
`;

// … or has the error thrown, and then there is no null to look for.
export const Both = graphql`
  query documentsBothQuery($first: Int!) @throwOnFieldError {
    viewer {
      displayName
    }
    trips(first: $first) {
      totalCount
    }
  }
`;

export const TripListPage = graphql`
  fragment documents_tripList on Query
  @argumentDefinitions(
    filter: { type: "TripFilter" }
    count: { type: "Int", defaultValue: 10 }
    cursor: { type: "String" }
  )
  @refetchable(queryName: "documentsTripListPageQuery") {
    trips(filter: $filter, first: $count, after: $cursor) @connection(key: "documents_trips") {
      edges {
        node {
          ...documents_tripCard
        }
      }
      totalCount
    }
  }
`;

export const TripDetail = graphql`
  query documentsTripDetailQuery($id: UUID!) {
    trip(id: $id) {
      ...documents_tripCard
      ...documents_tripItems
    }
  }
`;

export const TripItems = graphql`
  fragment documents_tripItems on Trip
  @argumentDefinitions(count: { type: "Int", defaultValue: 20 }, cursor: { type: "String" })
  @refetchable(queryName: "documentsTripItemsQuery") {
    owner {
      displayName
    }
    items(first: $count, after: $cursor) @connection(key: "documents_items") {
      edges {
        node {
          title
          startsAt
          cost
        }
      }
    }
  }
`;

export const RenameTrip = graphql`
  mutation documentsRenameTripMutation($id: UUID!, $patch: TripPatch!) {
    updateTrip(id: $id, patch: $patch) {
      ...documents_tripCard
      updatedAt
    }
  }
`;

export const ItemChanges = graphql`
  subscription documentsItemChangesSubscription($tripId: UUID!) {
    tripItemChanges(tripId: $tripId) {
      operation
      id
      tripItem {
        title
        cost
      }
    }
  }
`;
