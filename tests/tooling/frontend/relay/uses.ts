// What a frontend does with Relay's types. It is only type-checked: each line holds, or is expected not to.
import { type Environment, fetchQuery } from "relay-runtime";
import type { documents_tripCard$data } from "./generated/documents_tripCard.graphql.ts";
import TripDetail, { type documentsTripDetailQuery } from "./generated/documentsTripDetailQuery.graphql.ts";
import TripItemsQuery, { type documentsTripItemsQuery } from "./generated/documentsTripItemsQuery.graphql.ts";
import type { documentsBothQuery$data } from "./generated/documentsBothQuery.graphql.ts";
import type { documentsEitherQuery$data } from "./generated/documentsEitherQuery.graphql.ts";
import type { documents_tripItems$data } from "./generated/documents_tripItems.graphql.ts";

export function card(trip: documents_tripCard$data): string | null | undefined {
  // @ts-expect-error: money is text
  const amount: number | null | undefined = trip.budget;
  return trip.status === "BOOKED" ? trip.budget : `${trip.startDate} ${amount}`;
}

export function costs({ owner, items }: documents_tripItems$data): (string | null | undefined)[] {
  // @ts-expect-error: null where the caller may not see the owner
  owner.displayName;
  return items.edges.map(({ node }) => node.cost);
}

export function totals(either: documentsEitherQuery$data, both: documentsBothQuery$data): number[] {
  // @ts-expect-error: null for a caller who is not signed in
  both.viewer.displayName;
  // @ts-expect-error: null where it failed
  either.trips.totalCount;
  return [either.trips?.totalCount ?? 0, both.trips.totalCount];
}

export async function detail(environment: Environment, id: string): Promise<boolean> {
  // @ts-expect-error: `id` is text
  fetchQuery<documentsTripDetailQuery>(environment, TripDetail, { id: 1 });
  const found = await fetchQuery<documentsTripDetailQuery>(environment, TripDetail, { id }).toPromise();
  // @ts-expect-error: the fields of a fragment are for whoever asked for them
  found?.trip?.title;
  return found?.trip === null;
}

// A page more of the items of one trip, by its identifier alone.
export function more(environment: Environment, nodeId: string, cursor: string) {
  return fetchQuery<documentsTripItemsQuery>(environment, TripItemsQuery, { nodeId, count: 20, cursor });
}
