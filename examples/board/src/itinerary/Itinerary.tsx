// The plan, day by day. What others change is announced, and what is one's own is shown before the server has it.
import { useEffect, useRef, useState } from "react";
import { useMutation } from "urql";
import { graphql } from "../api/generated";
import type { Sending } from "../api/live";
import { announce, report } from "../ui/announcer";
import { dateOfDay } from "../ui/dates";
import { AddItem } from "./AddItem";
import { Card } from "./Card";
import { type ChangeTrip, daysOf, differences, type Item, itemsOfDay, moved, type Place, type Trip } from "./items";
import { useDrag } from "./useDrag";

const Move = graphql(`
  mutation Move($id: UUID!, $dayNumber: Int!, $position: Int!) { moveTripItem(id: $id, dayNumber: $dayNumber, position: $position) { id } }
`);

export type ChangeItems = (apply: (items: readonly Item[]) => Item[], send: () => Sending) => Promise<void>;

const AT_ONCE = 31; // days that are drawn although nothing is planned: somebody may mistake a century for a year
type Props = { trip: Trip; confirmed: readonly Item[]; mayEdit: boolean; change: ChangeTrip };

export function Itinerary({ trip, confirmed, mayEdit, change }: Props) {
  const [, move] = useMutation(Move);
  const [limit, setLimit] = useState(AT_ONCE);
  const [opened, setOpened] = useState<string>();
  const items = trip.items.nodes;
  const { drag, start } = useDrag(moveTo);
  const expect = useAnnouncements(items, confirmed);
  const shown = drag?.to ? moved(items, drag.id, drag.to) : items;
  const count = trip.durationDays ?? Math.max(0, ...items.map(({ dayNumber }) => dayNumber)) + 1; // always one more
  const days = daysOf(items, Math.min(count, limit));

  const changeItems: ChangeItems = async (apply, send) => {
    report(await change((all) => ({ ...all, items: { ...all.items, nodes: apply(all.items.nodes) } }), send));
  };

  function moveTo(id: string, to: Place) {
    expect(id);
    void changeItems((all) => moved(all, id, to), () => move({ id, ...to }));
  }

  return (
    <>
      <p id="how-to-move" hidden>Arrow keys move it: up and down within the day, left and right to another day.</p>
      <div className="days">
        {days.map((day) => (
          <section key={day} className="day" data-day={day} aria-labelledby={`day-${day}`}>
            <h2 id={`day-${day}`}>Day {day} <small>{dateOfDay(trip.startDate, day)}</small></h2>
            <ol>
              {itemsOfDay(shown, day).map((item) => (
                <Card
                  key={item.id} item={item} items={items} days={days} mayEdit={mayEdit} change={changeItems}
                  isDragged={drag?.id === item.id} onDrag={(event) => start(item.id, event)}
                  isOpen={opened === item.id} onToggle={() => setOpened(opened === item.id ? undefined : item.id)}
                  moveTo={(to) => moveTo(item.id, to)}
                />
              ))}
            </ol>
            {mayEdit && <AddItem tripId={trip.id} day={day} items={items} />}
          </section>
        ))}
        {limit < count && <button type="button" onClick={() => setLimit(limit + AT_ONCE)}>Show more days</button>}
      </div>
      {items.length < trip.items.totalCount && <p>{trip.items.totalCount - items.length} more are not shown.</p>}
    </>
  );
}

/** Announces how what the server has differs from before. What it gives is told of what one moves oneself. */
function useAnnouncements(shown: readonly Item[], confirmed: readonly Item[]): (mine: string) => void {
  const before = useRef(confirmed);
  const mine = useRef<string>(undefined); // kept, since the server's answer may come after other answers
  const focused = useRef<string>(undefined);
  useEffect(() => {
    const [first, ...others] = differences(before.current, confirmed, mine.current);
    before.current = confirmed;
    if (first) announce(others.length > 0 ? `${first} And ${others.length} more changes.` : first);
  }, [confirmed]);
  useEffect(() => {
    // A card that moves to another day is made anew, and what had the focus with it.
    if (focused.current && document.activeElement === document.body) document.getElementById(focused.current)?.focus();
    focused.current = undefined;
  }, [shown]);
  return (id) => {
    mine.current = id;
    focused.current = document.activeElement?.id;
  };
}
