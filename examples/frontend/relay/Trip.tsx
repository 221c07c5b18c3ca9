import { useMemo, useState } from "react";
import { graphql, useFragment, useLazyLoadQuery, useMutation, useSubscription } from "react-relay";
import type { Trip_page$data, Trip_page$key } from "./generated/Trip_page.graphql.ts";
import type { TripLiveSubscription } from "./generated/TripLiveSubscription.graphql.ts";
import type { TripQuery } from "./generated/TripQuery.graphql.ts";
import type { TripVoteMutation } from "./generated/TripVoteMutation.graphql.ts";

const PAGE = graphql`
  fragment Trip_page on Trip {
    title
    items(first: 50) { nodes { id nodeId title cost voteSummary { score mine } } }
  }
`;
const TRIP = graphql`query TripQuery($id: UUID!) @throwOnFieldError { trip(id: $id) { ...Trip_page } }`;
const LIVE_TRIP = graphql`subscription TripLiveSubscription($id: UUID!) { trip(id: $id) { ...Trip_page } }`;
const VOTE = graphql`
  mutation TripVoteMutation($item: UUID!, $value: VoteValue!) @raw_response_type {
    castVote(tripItemId: $item, value: $value) { nodeId tripItem { nodeId voteSummary { score mine } } }
  }
`;

type Item = Trip_page$data["items"]["nodes"][number];
const WORTH: { [value: string]: number } = { UP: 1, NEUTRAL: 0, DOWN: -1 };

export function Trip({ id }: { id: string }) {
  const { trip } = useLazyLoadQuery<TripQuery>(TRIP, { id });
  const page = useFragment<Trip_page$key>(PAGE, trip);
  const [gone, setGone] = useState(false);
  const [refused, setRefused] = useState("");
  // Each answer goes into the store, from which the fragment above shows it.
  useSubscription<TripLiveSubscription>(useMemo(() => ({
    subscription: LIVE_TRIP,
    variables: { id },
    onNext: (answer) => setGone(!answer?.trip),
    onError: ({ message }) => setRefused(message),
  }), [id]));
  const [castVote] = useMutation<TripVoteMutation>(VOTE);

  function vote({ id: item, nodeId, voteSummary: { score, mine } }: Item, value: "UP" | "DOWN") {
    castVote({
      variables: { item, value },
      optimisticResponse: {
        castVote: {
          nodeId: `vote on ${item}`,
          tripItem: {
            nodeId,
            voteSummary: { score: score - (mine ? WORTH[mine] : 0) + WORTH[value], mine: value },
          },
        },
      },
      onCompleted: (_answer, errors) => setRefused(errors?.[0].message ?? ""),
      onError: ({ message }) => setRefused(message),
    });
  }

  if (!page || gone) return <p>This trip is gone, or not shared with you any more.</p>;
  return (
    <section>
      <h2>{page.title}</h2>
      <ul>
        {page.items.nodes.map((item) => (
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
      <p role="alert">{refused}</p>
    </section>
  );
}
