import { useQuery, useSubscription } from "@apollo/client/react";
import { useEffect } from "react";
import { which } from "../which.ts";
import { graphql } from "./generated";

const TRIPS = graphql(`
  query Trips($after: String) {
    trips(first: 10, after: $after, orderBy: [{ createdAt: DESC }]) {
      edges { cursor node { id title } }
      pageInfo { hasNextPage endCursor }
      ... @defer { totalCount }
    }
  }
`);

const LIVE_TRIPS = graphql(`
  subscription LiveTrips {
    trips(first: 10, orderBy: [{ createdAt: DESC }]) { totalCount edges { node { id title } } }
  }
`);

export function Trips({ onOpen }: { onOpen: (id: string) => void }) {
  const { data, error, fetchMore, refetch } = useQuery(TRIPS);
  // New titles go into the cache by themselves; trips more or less have the pages read anew.
  const shown = data?.trips.totalCount === undefined ? undefined : which(data.trips.totalCount, data.trips.edges);
  const live = useSubscription(LIVE_TRIPS, { skip: !shown }).data?.trips;
  const now = live && which(live.totalCount, live.edges);
  useEffect(() => {
    if (now && now !== shown) refetch();
  }, [now, shown, refetch]);

  if (error) return <p role="alert">{error.message}</p>;
  if (!data) return <p>Loading …</p>;
  const { edges, pageInfo, totalCount } = data.trips;
  return (
    <section>
      <h1>{totalCount ?? "…"} trips</h1>
      <ul>
        {edges.map(({ node }) => (
          <li key={node.id}><button type="button" onClick={() => onOpen(node.id)}>{node.title}</button></li>
        ))}
      </ul>
      {pageInfo.hasNextPage && (
        <button type="button" onClick={() => fetchMore({ variables: { after: pageInfo.endCursor } })}>More</button>
      )}
    </section>
  );
}
