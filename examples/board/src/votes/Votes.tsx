import { useMutation } from "urql";
import { graphql } from "../api/generated";
import type { VotesFragment, VoteValue } from "../api/generated/graphql";
import type { ChangeItems } from "../itinerary/Itinerary";
import type { Item } from "../itinerary/items";
import { Icon } from "../ui/Icon";

export const VotesFields = graphql(`
  fragment Votes on VoteSummary { up down score mine }
`);
const Cast = graphql(`
  mutation Cast($item: UUID!, $value: VoteValue!) { castVote(tripItemId: $item, value: $value) { id } }
`);
const Retract = graphql(`
  mutation Retract($item: UUID!) { retractVote(tripItemId: $item) { id } }
`);

/** The votes with one's own as `mine`; null takes it back. */
export function voted({ up, down, mine: old }: VotesFragment, mine: VoteValue | null): VotesFragment {
  const counted = {
    up: up + Number(mine === "UP") - Number(old === "UP"),
    down: down + Number(mine === "DOWN") - Number(old === "DOWN"),
  };
  return { ...counted, score: counted.up - counted.down, mine };
}

export function Votes({ item, change }: { item: Item; change: ChangeItems }) {
  const [, cast] = useMutation(Cast);
  const [, retract] = useMutation(Retract);
  const { id, title, voteSummary: votes } = item;

  function vote(value: VoteValue) {
    const mine = votes.mine === value ? null : value; // the same again takes it back
    void change(
      (items) => items.map((one) => one.id === id ? { ...one, voteSummary: voted(votes, mine) } : one),
      () => mine ? cast({ item: id, value: mine }) : retract({ item: id }),
    );
  }

  return (
    <div className="votes" role="group" aria-label={`Votes on ${title}`}>
      <button type="button" aria-pressed={votes.mine === "UP"} aria-label={`For ${title}: ${votes.up}`} onClick={() => vote("UP")}>
        <Icon name="up" /> <span key={votes.up}>{votes.up}</span>
      </button>
      <button type="button" aria-pressed={votes.mine === "DOWN"} aria-label={`Against ${title}: ${votes.down}`} onClick={() => vote("DOWN")}>
        <Icon name="down" /> <span key={votes.down}>{votes.down}</span>
      </button>
    </div>
  );
}
