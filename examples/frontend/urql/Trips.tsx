import { useEffect, useState } from "react";
import { useClient, useQuery, useSubscription } from "urql";
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
  const client = useClient();
  const [after, setAfter] = useState<string | null>();
  const [{ data, error }] = useQuery({ query: TRIPS, variables: { after } });

  // New titles go into the cache by themselves; trips more or less have the pages read anew.
  const trips = data?.trips;
  const shown = trips?.totalCount === undefined ? undefined : which(trips.totalCount, trips.edges);
  const live = useSubscription({ query: LIVE_TRIPS, pause: !shown })[0].data?.trips;
  const now = live && which(live.totalCount, live.edges);
  useEffect(() => {
    if (!now || now === shown) return;
    client.query(TRIPS, {}, { requestPolicy: "network-only" }).then(() => setAfter(undefined));
  }, [now, shown, client]);

  if (error) return <p role="alert">{error.message}</p>;
  if (!trips) return <p>Loading …</p>;
  const { edges, pageInfo, totalCount } = trips;
  return (
    <section>
      <h1>{totalCount ?? "…"} trips</h1>
      <ul>
        {edges.map(({ node }) => (
          <li key={node.id}><button type="button" onClick={() => onOpen(node.id)}>{node.title}</button></li>
        ))}
      </ul>
      {pageInfo.hasNextPage && <button type="button" onClick={() => setAfter(pageInfo.endCursor)}>More</button>}
    </section>
  );
}
