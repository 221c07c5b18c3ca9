import assert from "node:assert/strict";
import { answer, type Body, runs, stream, World } from "./testing.ts";

const ITEMS = ["a", "b", "c"].map((id, index) => ({ id, title: `Item ${id}`, day_number: 1 + (index === 2 ? 1 : 0) }));

function planned(): World {
  const world = new World();
  world.rows.trips = () => ({ title: "Oslo", start_date: "2026-05-01", end_date: "2026-05-02" });
  world.rows.trip_items = () => ITEMS;
  return world;
}

function itinerary(...items: [string, number][]): () => Response {
  const form = { summary: "Shorter ways.", items: items.map(([ref, day_number]) => ({ ref, day_number })) };
  return () => stream(answer(JSON.stringify(form)));
}

Deno.test("a proposal names each item once, on a day of the trip; what does not fit goes back to the model", async () => {
  const world = planned();
  world.script.push(
    () => stream(answer("Here you are:")),
    itinerary(["i1", 1], ["i2", 1]),
    itinerary(["i1", 1], ["i2", 1], ["i2", 1]),
    itinerary(["i1", 1], ["i2", 1], ["i9", 1]),
    itinerary(["i1", 1], ["i2", 3], ["i3", 1]),
    itinerary(["i3", 1], ["i1", 2], ["i2", 1]),
  );
  const ending = await runs(world, { agent: "optimizer" });
  assert.deepEqual(ending.result, {
    kind: "itinerary",
    summary: "Shorter ways.",
    itinerary: {
      day_number: null,
      items: [{ item_id: "c", day_number: 1 }, { item_id: "a", day_number: 2 }, { item_id: "b", day_number: 1 }],
    },
  });
  const complaints = world.asked.slice(1).map(({ messages }) => String((messages as Body[]).at(-1)!.content));
  for (const [index, words] of ["not JSON", "missing: i3", "once", "no item i9", "has 2 days"].entries()) {
    assert.ok(complaints[index]!.includes(words), complaints[index]);
  }
  // The trip's text stands in answers of tools alone.
  const messages = world.asked[0]!.messages as Body[];
  assert.deepEqual(messages.map(({ role }) => role), ["system", "user", "assistant", "tool", "tool"]);
  assert.ok(messages.filter(({ role }) => role !== "tool").every((each) => !JSON.stringify(each).includes("Oslo")));
  assert.ok(!JSON.stringify(messages).includes('"id":"a"'));
});

Deno.test("a summary and a category are what their forms say", async () => {
  const world = planned();
  world.script.push(() => stream(answer('{"summary": "Two days in Oslo.", "highlights": ["Opera\\u0000"]}')));
  assert.deepEqual((await runs(world, { agent: "summarizer" })).result, {
    kind: "summary",
    summary: "Two days in Oslo.",
    highlights: ["Opera\ufffd"],
  });
  const [request] = world.asked;
  // deno-lint-ignore no-explicit-any
  const { json_schema } = request!.response_format as any;
  assert.deepEqual([json_schema.name, json_schema.strict], ["summary", true]);
  assert.deepEqual(json_schema.schema.required, ["summary", "highlights"]);
  assert.equal(json_schema.schema.additionalProperties, false);

  const place = new World();
  place.rows.places_by_ids = () => ({ name: "Munch" });
  place.script.push(
    () => stream(answer('{"category": "castle", "reason": "?"}')),
    () => stream(answer('{"category": "museum", "reason": "It shows paintings."}')),
  );
  const asked = { agent: "classifier", input: { prompt: "Choose", place_id: "p" }, trip: null };
  assert.deepEqual((await runs(place, asked)).result, {
    kind: "category",
    place_id: "p",
    category: "museum",
    reason: "It shows paintings.",
  });
});
