// What a frontend does with the documents. It is only type-checked: each line holds, or is expected not to.
import type { ResultOf, VariablesOf } from "@graphql-typed-document-node/core";
import { AnyNode, ItemChanges, RenameTrip, TripCard, TripDetail, TripList } from "./documents.ts";
import { useFragment } from "./generated";

// A list is null beside an error alone, and then there is no data here.
export function list({ trips }: ResultOf<typeof TripList>): string[] {
  const next: string | null | undefined = trips.pageInfo.endCursor;
  const total: number = trips.totalCount;
  return [`${total} ${next}`, ...trips.edges.map((edge) => useFragment(TripCard, edge.node).title)];
}

export function detail({ trip }: ResultOf<typeof TripDetail>): string | null {
  // @ts-expect-error: null for a trip that is not there, or not for this caller
  trip.owner;
  if (!trip) return null;
  const card = useFragment(TripCard, trip);
  const budget: string | null | undefined = card.budget;
  const start: string | null | undefined = card.startDate;
  // @ts-expect-error: money is text
  const amount: number | null | undefined = card.budget;
  // @ts-expect-error: not selected
  card.description;
  const times: (string | null | undefined)[] = trip.items.nodes.map((item) => item.startsAt);
  return [budget, start, amount, ...times, trip.owner?.displayName, card.status === "BOOKED"].join();
}

export const rename: VariablesOf<typeof RenameTrip> = { id: "…", patch: { title: "Rome", budget: "1299.50" } };
// @ts-expect-error: a title is text
export const wrong: VariablesOf<typeof RenameTrip> = { id: "…", patch: { title: 1 } };
export const page: VariablesOf<typeof TripList> = { first: 10, filter: { status: { eq: "BOOKED" } } };

export function changed({ tripItemChanges: { operation, tripItem } }: ResultOf<typeof ItemChanges>): string {
  return operation === "DELETE" ? "gone" : tripItem?.title ?? "";
}

export const renamed = ({ updateTrip }: ResultOf<typeof RenameTrip>): string => updateTrip.updatedAt;

export function found({ node }: ResultOf<typeof AnyNode>): string | undefined {
  return node?.__typename === "Trip" ? useFragment(TripCard, node).title : node?.nodeId;
}
