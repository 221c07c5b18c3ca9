// What is planned, and how it changes: plain data, so that a change can be shown before the server has it.
import { graphql } from "../api/generated";
import type { BoardSubscription, ItemFragment, TripItemKind } from "../api/generated/graphql";
import type { Change } from "../api/live";

export const ItemFields = graphql(`
  fragment Item on TripItem { id tripId title kind dayNumber orderIndex voteSummary { ...Votes } }
`);

export const KINDS: { [kind in TripItemKind]: string } = {
  ACTIVITY: "Activity",
  FOOD: "Food",
  LODGING: "Lodging",
  TRANSPORT: "Transport",
  NOTE: "Note",
};

export type Item = ItemFragment;
export type Trip = NonNullable<BoardSubscription["trip"]>;
export type ChangeTrip = Change<Trip>;
/** `dayNumber` counts from 1, `position` within that day from 0. */
export type Place = { dayNumber: number; position: number };

export function itemsOfDay(items: readonly Item[], day: number): Item[] {
  return items.filter(({ dayNumber }) => dayNumber === day);
}

/** The first so many days, and each that has something planned. */
export function daysOf(items: readonly Item[], count: number): number[] {
  const first = Array.from({ length: count }, (_, index) => index + 1);
  return [...new Set([...first, ...items.map(({ dayNumber }) => dayNumber)])].sort((one, other) => one - other);
}

export function placeOf(items: readonly Item[], { id, dayNumber }: Item): Place {
  return { dayNumber, position: itemsOfDay(items, dayNumber).findIndex((item) => item.id === id) };
}

/** The items, which are in order, with one of them at another place; the others close up, as on the server. */
export function moved(items: readonly Item[], id: string, { dayNumber, position }: Place): Item[] {
  const item = items.find((one) => one.id === id);
  if (!item) return [...items];
  const others = items.filter((one) => one !== item);
  const next = itemsOfDay(others, dayNumber)[position];
  const index = next ? others.indexOf(next) : others.findLastIndex((one) => one.dayNumber <= dayNumber) + 1;
  return others.toSpliced(index, 0, { ...item, dayNumber });
}

/** What differs, in sentences to be read aloud; of two that changed places the one called `mine` is said to have moved. */
export function differences(before: readonly Item[], after: readonly Item[], mine?: string): string[] {
  const known = new Map(before.map((item) => [item.id, item]));
  const sentences: string[] = [];
  for (const item of after) {
    const old = known.get(item.id);
    known.delete(item.id);
    if (!old) sentences.push(`${item.title} is new on day ${item.dayNumber}.`);
    else if (old.dayNumber !== item.dayNumber) sentences.push(`${item.title} is on day ${item.dayNumber} now.`);
    else if (old.title !== item.title) sentences.push(`${old.title} is called ${item.title} now.`);
    else if (old.voteSummary.score !== item.voteSummary.score) {
      sentences.push(`${item.title} has ${item.voteSummary.up} for and ${item.voteSummary.down} against.`);
    }
  }
  for (const gone of known.values()) sentences.push(`${gone.title} is removed.`);
  return sentences.length > 0 ? sentences : reordered(before, after, mine);
}

function reordered(before: readonly Item[], after: readonly Item[], mine?: string): string[] {
  const order = (items: readonly Item[], without?: string) => items.map(({ id }) => id).filter((id) => id !== without).join();
  if (order(before) === order(after)) return [];
  // The one without which the rest is in the same order.
  const moved = after.filter(({ id }) => order(before, id) === order(after, id));
  const item = moved.find(({ id }) => id === mine) ?? moved[0];
  return item ? [`${item.title} is number ${placeOf(after, item).position + 1} of day ${item.dayNumber} now.`] : [];
}
