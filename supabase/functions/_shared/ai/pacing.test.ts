import { strict as assert } from "node:assert";
import { paced } from "./pacing.ts";

const STREAM = { headers: { "Content-Type": "text/event-stream; charset=utf-8" } };

function pieces(...given: string[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      const next = given.shift();
      if (next === undefined) controller.close();
      else controller.enqueue(encoder.encode(next));
    },
  });
}

Deno.test("what comes is the same, in order, with its status and headers", async () => {
  const response = paced(new Response(pieces("a", "ü", "c"), { ...STREAM, status: 203 }), 5);
  assert.deepEqual([response.status, response.headers.get("Content-Type")], [203, STREAM.headers["Content-Type"]]);
  assert.equal(await response.text(), "aüc");
});

Deno.test("what breaks breaks, and whoever leaves is heard of at once", async () => {
  const broken = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.error(new TypeError("connection reset"));
    },
  });
  await assert.rejects(paced(new Response(broken, STREAM)).text(), TypeError);

  let left: unknown = null;
  const endless = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      controller.enqueue(new Uint8Array(1));
    },
    cancel(reason) {
      left = reason;
    },
  });
  const reader = paced(new Response(endless, STREAM), 60_000).body!.getReader();
  await reader.read();
  const next = reader.read();
  await reader.cancel("enough");
  assert.equal((await next).done, true);
  assert.equal(left, "enough");
});

Deno.test("answers that are no streams are left alone", () => {
  const response = Response.json({});
  assert.equal(paced(response), response);
});
