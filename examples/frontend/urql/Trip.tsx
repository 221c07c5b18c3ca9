import { useMutation, useQuery, useSubscription } from "urql";
import { graphql } from "./generated";

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

export function Trip({ id }: { id: string }) {
  const [{ data, error }] = useQuery({ query: TRIP, variables: { id } });
  // Each answer goes into the cache, from which the query above shows it.
  const [live] = useSubscription({ query: LIVE_TRIP, variables: { id }, pause: !data });
  // client.ts says what the answer will be.
  const [{ error: refused }, castVote] = useMutation(VOTE);

  const problem = error ?? live.error;
  if (problem) return <p role="alert">{problem.message}</p>;
  if (!data) return <p>Loading …</p>;
  if (!data.trip || live.data?.trip === null) return <p>This trip is gone, or not shared with you any more.</p>;
  return (
    <section>
      <h2>{data.trip.title}</h2>
      <ul>
        {data.trip.items.nodes.map(({ id, title, voteSummary: { score, mine } }) => (
          <li key={id}>
            {title} <output>{score}</output>
            {(["UP", "DOWN"] as const).map((value) => (
              <button
                key={value}
                type="button"
                aria-pressed={mine === value}
                onClick={() => castVote({ item: id, value })}
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
