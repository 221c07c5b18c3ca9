import type { TripItemKind } from "../api/generated/graphql";

export const KINDS: { [kind in TripItemKind]: string } = {
  ACTIVITY: "Activity",
  FOOD: "Food",
  LODGING: "Lodging",
  TRANSPORT: "Transport",
  NOTE: "Note",
};
