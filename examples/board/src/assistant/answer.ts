// What an agent says and proposes: plain data.
import type { RunSubscription, SaidSubscription } from "../api/generated/graphql";
import type { Item } from "../itinerary/items";

/** The part of a run's result that is shown. */
export type Proposal = {
  summary?: string;
  itinerary?: { items: readonly { item_id: string; day_number: number }[] };
};
export const NONE: Proposal = {};

type Text = { id: string; content: string };

/** The agent's texts with one change more: a row holds all of its text, and a piece follows what there is. */
export function heard(texts: readonly Text[] = [], { change }: SaidSubscription): readonly Text[] {
  const { id, operation, delta, aiMessage: row } = change;
  if (!id) return []; // something was missed: the rows follow, as on subscribing
  if (operation === "DELETE") return texts.filter((text) => text.id !== id);
  const known = texts.some((text) => text.id === id);
  if (row && !known) return row.role === "ASSISTANT" ? [...texts, { id, content: row.content }] : texts;
  return texts.map((text) => text.id === id ? { id, content: row?.content ?? text.content + (delta ?? "") } : text);
}

/** The titles of what is proposed, by day. */
export function proposedDays({ items }: NonNullable<Proposal["itinerary"]>, all: readonly Item[]): [number, string[]][] {
  const days = new Map<number, string[]>();
  for (const { item_id, day_number } of items) {
    const title = all.find(({ id }) => id === item_id)?.title;
    if (title) days.set(day_number, [...(days.get(day_number) ?? []), title]);
  }
  return [...days].sort(([one], [other]) => one - other);
}

/** Why a run has come to nothing. */
export function wentWrong(run: RunSubscription["aiRun"] | undefined): string | undefined {
  if (run?.status === "CANCELLED") return "Stopped.";
  if (run?.status !== "FAILED") return undefined;
  switch (run.errorCode) {
    case "USAGE_LIMIT_EXCEEDED": return "Your plan has no more left for this month. See Plan.";
    case "AI_RATE_LIMITED": return "Too many ask at the moment. Try again in a moment.";
    case "CONTEXT_LENGTH_EXCEEDED": return "That was too much to think about at once. Ask for less.";
    default: return "The answer did not come. Ask again.";
  }
}
