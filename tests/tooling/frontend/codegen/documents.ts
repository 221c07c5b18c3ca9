// The documents of a small frontend, each typed by graphql-codegen.
import { graphql } from "./generated";

export const TripCard = graphql(`
  fragment TripCard on Trip {
    id
    title
    status
    startDate
    budget
    currency
  }
`);

export const TripList = graphql(`
  query TripList($first: Int!, $after: String, $filter: TripFilter) {
    trips(first: $first, after: $after, filter: $filter, orderBy: [{ startDate: ASC }, { title: ASC }]) {
      edges {
        cursor
        node {
          ...TripCard
        }
      }
      pageInfo {
        endCursor
        hasNextPage
      }
      totalCount
    }
  }
`);

export const TripDetail = graphql(`
  query TripDetail($id: UUID!) {
    trip(id: $id) {
      ...TripCard
      owner {
        displayName
      }
      items(first: 50) {
        nodes {
          id
          title
          kind
          startsAt
          cost
          place {
            name
          }
        }
      }
    }
  }
`);

export const RenameTrip = graphql(`
  mutation RenameTrip($id: UUID!, $patch: TripPatch!) {
    updateTrip(id: $id, patch: $patch) {
      ...TripCard
      updatedAt
    }
  }
`);

export const ItemChanges = graphql(`
  subscription ItemChanges($tripId: UUID!) {
    tripItemChanges(tripId: $tripId) {
      operation
      id
      occurredAt
      tripItem {
        id
        title
        cost
      }
    }
  }
`);

export const AnyNode = graphql(`
  query AnyNode($nodeId: ID!) {
    node(nodeId: $nodeId) {
      __typename
      nodeId
      ...TripCard
    }
  }
`);
