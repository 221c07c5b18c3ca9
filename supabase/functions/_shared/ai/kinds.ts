// The kinds of runs: what the model is shown from the start, what its answer must look like, and what is kept of it. Texts are
// for people; the others are proposals for programs, which a person applies.

import { ApiError } from "../errors.ts";
import { MOST_ITEMS, type Reader } from "./reading.ts";
import { z } from "./schemas.ts";

/** A tool call that is made in the model's name before it says anything, with what it answered. */
export interface Shown {
  tool: string;
  arguments: Record<string, unknown>;
  data: unknown;
}

/** An answer that programs read. */
export interface Form {
  name: string;
  schema: z.ZodType;
  /** What is wrong with an answer of the right form, in a sentence for the model; null where nothing is. */
  // deno-lint-ignore no-explicit-any
  mistakeOf: (answer: any) => string | null;
  /** What is kept of it. */
  // deno-lint-ignore no-explicit-any
  resultOf: (answer: any) => Record<string, unknown>;
}

/** What a run begins with. */
export interface Opening {
  shown: Shown[];
  form: Form | null;
}

export type Kind = (reader: Reader, input: Record<string, unknown>) => Promise<Opening>;

export const CATEGORIES = [
  "attraction",
  "museum",
  "nature",
  "beach",
  "restaurant",
  "cafe",
  "bar",
  "shop",
  "lodging",
  "transport",
  "other",
] as const;

const SUMMARY = z.strictObject({
  summary: z.string().trim().min(1).max(4000),
  highlights: z.array(z.string().trim().min(1).max(300)).max(12),
});
const ITINERARY = z.strictObject({
  summary: z.string().trim().min(1).max(2000),
  items: z.array(z.strictObject({ ref: z.string(), day_number: z.int().min(1).max(1000) })).max(300),
});
const CATEGORY = z.strictObject({ category: z.enum(CATEGORIES), reason: z.string().trim().min(1).max(500) });

const conversation: Kind = () => Promise.resolve({ shown: [], form: null });

const summary: Kind = async (reader) => ({
  shown: (await tripOf(reader, null)).shown,
  form: {
    name: "summary",
    schema: SUMMARY,
    mistakeOf: () => null,
    resultOf: (answer) => ({ kind: "summary", ...answer }),
  },
});

const itinerary: Kind = async (reader, input) => {
  const day = typeof input.day_number === "number" ? input.day_number : null;
  const { shown, ids: there } = await tripOf(reader, day);
  if (there.length === 0) {
    throw new ApiError("BAD_USER_INPUT", "Nothing is planned there yet, so there is nothing to put in order.", {
      ...(day === null ? {} : { field: "day_number" }),
    });
  }
  if (there.length === MOST_ITEMS) {
    throw new ApiError("BAD_USER_INPUT", "There is too much planned to be put in order at once. Ask day by day.", {
      field: "day_number",
    });
  }
  const ids = new Map(there.map((id) => [reader.refOf(id), id]));
  return {
    shown,
    form: {
      name: "itinerary",
      schema: ITINERARY,
      mistakeOf: (answer) => mistakeOfOrder(answer, ids, day, reader.days),
      resultOf: (answer) => proposal(answer, ids, day),
    },
  };
};

const category: Kind = async (reader, input) => {
  const place = await reader.readPlace(String(input.place_id));
  return {
    shown: [{ tool: "search_places", arguments: { words: String(place.name) }, data: [place] }],
    form: {
      name: "category",
      schema: CATEGORY,
      mistakeOf: () => null,
      resultOf: (answer) => ({ kind: "category", place_id: input.place_id, ...answer }),
    },
  };
};

/** By the keys of agents; any other one talks. */
const KINDS: Record<string, Kind> = { summarizer: summary, optimizer: itinerary, classifier: category };

export function kindOf(agent: string): Kind {
  return Object.hasOwn(KINDS, agent) ? KINDS[agent]! : conversation;
}

async function tripOf(reader: Reader, day: number | null): Promise<{ shown: Shown[]; ids: string[] }> {
  const trip = await reader.readTrip();
  const { shown, ids } = await reader.readItems(day);
  return {
    shown: [
      { tool: "read_trip", arguments: {}, data: trip },
      { tool: "read_items", arguments: { day_number: day }, data: shown },
    ],
    ids,
  };
}

function mistakeOfOrder(
  { items }: z.infer<typeof ITINERARY>,
  ids: Map<string, string>,
  day: number | null,
  days: number | null,
): string | null {
  const named = items.map(({ ref }) => ref);
  const unknown = named.filter((ref) => !ids.has(ref));
  if (unknown.length > 0) return `There is no item ${unknown.slice(0, 5).join(", ")}.`;
  if (new Set(named).size < named.length) return "Name each item once.";
  const missing = [...ids.keys()].filter((ref) => !named.includes(ref));
  if (missing.length > 0) return `These items are missing: ${missing.slice(0, 20).join(", ")}.`;
  const wrong = items.find(({ day_number }) => day === null ? day_number > (days ?? 1000) : day_number !== day);
  if (!wrong) return null;
  return day === null ? `The trip has ${days} days.` : `Leave every item on day ${day}.`;
}

/** Items of each day stand in the order in which they were named. */
function proposal(
  { summary, items }: z.infer<typeof ITINERARY>,
  ids: Map<string, string>,
  day: number | null,
): Record<string, unknown> {
  const placed = items.map(({ ref, day_number }) => ({ item_id: ids.get(ref)!, day_number }));
  return { kind: "itinerary", summary, itinerary: { day_number: day, items: placed } };
}
