import { useMutation, useQuery, useSubscription } from "@apollo/client/react";
import { graphql } from "./generated";
import type { TripPageFragment } from "./generated/graphql.ts";

graphql(`
  fragment TripPage on Trip {
    id
    title
    items(first: 50) { nodes { id title cost voteSummary { score mine } } }
  }
`);
const TRIP = graphql(`query Trip($id: UUID!) { trip(id: $id) { ...TripPage } }`);
const LIVE_TRIP = graphql(`subscription LiveTrip($id: UUID!) { trip(id: $id) { ...TripPage } }`);
const VOTE = graphql(`
  mutation Vote($item: UUID!, $value: VoteValue!) {
    castVote(tripItemId: $item, value: $value) { tripItem { id voteSummary { score mine } } }
  }
`);

type Item = TripPageFragment["items"]["nodes"][number];
const WORTH = { UP: 1, NEUTRAL: 0, DOWN: -1 };

export function Trip({ id }: { id: string }) {
  const { data, error } = useQuery(TRIP, { variables: { id } });
  // Each answer goes into the cache, from which the query above shows it.
  const live = useSubscription(LIVE_TRIP, { variables: { id }, skip: !data });
  const [castVote, { error: refused }] = useMutation(VOTE);

  function vote({ id: item, voteSummary: { score, mine } }: Item, value: "UP" | "DOWN") {
    castVote({
      variables: { item, value },
      optimisticResponse: {
        castVote: {
          __typename: "Vote",
          tripItem: {
            __typename: "TripItem",
            id: item,
            voteSummary: {
              __typename: "VoteSummary",
              score: score - (mine ? WORTH[mine] : 0) + WORTH[value],
              mine: value,
            },
          },
        },
      },
    }).catch(() => {}); // `refused` tells of it
  }

  const problem = error ?? live.error;
  if (problem) return <p role="alert">{problem.message}</p>;
  if (!data) return <p>Loading …</p>;
  if (!data.trip || live.data?.trip === null) return <p>This trip is gone, or not shared with you any more.</p>;
  return (
    <section>
      <h2>{data.trip.title}</h2>
      <ul>
        {data.trip.items.nodes.map((item) => (
          <li key={item.id}>
            {item.title} <output>{item.voteSummary.score}</output>
            {(["UP", "DOWN"] as const).map((value) => (
              <button
                key={value}
                type="button"
                aria-pressed={item.voteSummary.mine === value}
                onClick={() => vote(item, value)}
              >
                {value}
              </button>
            ))}
          </li>
        ))}
      </ul>
      <p role="alert">{refused?.message}</p>
    </section>
  );
}
