// The plan, day by day. What others change is announced, and what is one's own is shown before the server has it.
import { useEffect, useRef, useState } from "react";
import { useMutation } from "urql";
import { problemOf } from "../api/errors";
import { graphql } from "../api/generated";
import type { Sending } from "../api/live";
import { announce } from "../ui/announcer";
import { dateOfDay } from "../ui/dates";
import { AddItem } from "./AddItem";
import { Card } from "./Card";
import { type ChangeTrip, differences, type Item, itemsOfDay, moved, onItems, type Place, type Trip } from "./items";
import { useDrag } from "./useDrag";

const Move = graphql(`
  mutation Move($id: UUID!, $dayNumber: Int!, $position: Int!) {
    moveTripItem(id: $id, dayNumber: $dayNumber, position: $position) { id }
  }
`);

export type ChangeItems = (apply: (items: readonly Item[]) => Item[], send: () => Sending) => Promise<void>;

export function Itinerary({ trip, mayEdit, change }: { trip: Trip; mayEdit: boolean; change: ChangeTrip }) {
  const [, move] = useMutation(Move);
  const [opened, setOpened] = useState<string>();
  const items = trip.items.nodes;
  const { drag, start } = useDrag(moveTo);
  const expect = useAnnouncements(items);
  const shown = drag?.to ? moved(items, drag.id, drag.to) : items;
  const lastDay = Math.max(0, ...items.map(({ dayNumber }) => dayNumber));
  const days = Math.max(trip.durationDays ?? lastDay + 1, lastDay); // without dates there is always one more

  const changeItems: ChangeItems = async (apply, send) => {
    const error = await change(onItems(apply), send);
    if (error) announce(`That was not kept. ${problemOf(error)}`);
  };

  function moveTo(id: string, to: Place) {
    expect(id);
    void changeItems((all) => moved(all, id, to), () => move({ id, ...to }));
  }

  return (
    <>
      <p id="how-to-move" hidden>Arrow keys move it: up and down within the day, left and right to another day.</p>
      <div className="days">
        {Array.from({ length: days }, (_, index) => index + 1).map((day) => (
          <section key={day} className="day" data-day={day} aria-labelledby={`day-${day}`}>
            <h2 id={`day-${day}`}>Day {day} <small>{dateOfDay(trip.startDate, day)}</small></h2>
            <ol>
              {itemsOfDay(shown, day).map((item) => (
                <Card
                  key={item.id}
                  item={item}
                  items={items}
                  days={days}
                  mayEdit={mayEdit}
                  isDragged={drag?.id === item.id}
                  isOpen={opened === item.id}
                  onToggle={() => setOpened(opened === item.id ? undefined : item.id)}
                  onDrag={(event) => start(item.id, event)}
                  moveTo={(to) => moveTo(item.id, to)}
                  change={changeItems}
                />
              ))}
            </ol>
            {mayEdit && <AddItem tripId={trip.id} day={day} items={items} />}
          </section>
        ))}
      </div>
      {items.length < trip.items.totalCount && <p>{trip.items.totalCount - items.length} more are not shown.</p>}
    </>
  );
}

/** Announces how the items differ from those before. What it gives is told of what one moves oneself. */
function useAnnouncements(items: readonly Item[]): (mine: string) => void {
  const before = useRef(items);
  const mine = useRef<string>(undefined);
  const focused = useRef<string>(undefined);
  useEffect(() => {
    const [first, ...others] = differences(before.current, items, mine.current);
    before.current = items;
    if (first) announce(others.length > 0 ? `${first} And ${others.length} more changes.` : first);
    // A card that moves to another day is made anew, and what had the focus with it.
    if (focused.current && document.activeElement === document.body) document.getElementById(focused.current)?.focus();
    mine.current = focused.current = undefined;
  }, [items]);
  return (id) => {
    mine.current = id;
    focused.current = document.activeElement?.id;
  };
}
