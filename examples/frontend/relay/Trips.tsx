import { useEffect, useMemo, useState } from "react";
import { graphql, useLazyLoadQuery, usePaginationFragment, useSubscription } from "react-relay";
import { which } from "../which.ts";
import type { Trips_list$key } from "./generated/Trips_list.graphql.ts";
import type { TripsLiveSubscription } from "./generated/TripsLiveSubscription.graphql.ts";
import type { TripsPageQuery } from "./generated/TripsPageQuery.graphql.ts";
import type { TripsQuery } from "./generated/TripsQuery.graphql.ts";

const QUERY = graphql`
  query TripsQuery {
    ...Trips_list
  }
`;

const LIST = graphql`
  fragment Trips_list on Query
  @throwOnFieldError
  @argumentDefinitions(count: { type: "Int", defaultValue: 10 }, cursor: { type: "String" })
  @refetchable(queryName: "TripsPageQuery") {
    trips(first: $count, after: $cursor, orderBy: [{ createdAt: DESC }]) @connection(key: "Trips_trips") {
      edges { node { id title } }
      totalCount
    }
  }
`;

const LIVE_TRIPS = graphql`
  subscription TripsLiveSubscription {
    trips(first: 10, orderBy: [{ createdAt: DESC }]) { totalCount edges { node { id title } } }
  }
`;

export function Trips({ onOpen }: { onOpen: (id: string) => void }) {
  const query = useLazyLoadQuery<TripsQuery>(QUERY, {});
  const list = usePaginationFragment<TripsPageQuery, Trips_list$key>(LIST, query);
  const { refetch } = list;

  const { edges, totalCount } = list.data.trips;

  // New titles go into the store by themselves; trips more or less have the pages read anew.
  const shown = which(totalCount, edges);
  const [now, setNow] = useState(shown);
  useSubscription<TripsLiveSubscription>(useMemo(() => ({
    subscription: LIVE_TRIPS,
    variables: {},
    onNext: (answer) => answer?.trips && setNow(which(answer.trips.totalCount, answer.trips.edges)),
  }), []));
  useEffect(() => {
    if (now !== shown) refetch({}, { fetchPolicy: "store-and-network" });
  }, [now, shown, refetch]);

  return (
    <section>
      <h1>{totalCount} trips</h1>
      <ul>
        {edges.map(({ node }) => (
          <li key={node.id}><button type="button" onClick={() => onOpen(node.id)}>{node.title}</button></li>
        ))}
      </ul>
      {list.hasNext && <button type="button" onClick={() => list.loadNext(10)}>More</button>}
    </section>
  );
}
