import assert from "node:assert/strict";
import { DIMENSIONS, embed, type Embedding, providerOf } from "./provider.ts";
import { embedding } from "./testing.ts";
import { ofEmbedding } from "./usage.ts";

const SENT = 30;
const vector = (data: unknown, usage?: unknown) => Response.json({ data: [{ index: 0, embedding: data }], usage });
const right = Array(DIMENSIONS).fill(0.5);
const broken = () => {
  throw new TypeError("error sending request for url (http://localhost): connection closed before message completed");
};
/** Never answers, as fetch does while nothing comes. */
const silent = (signal?: AbortSignal | null) =>
  new Promise<Response>((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));

/** What is counted of an embedding of `SENT` tokens that gets these answers, and whether it came. */
async function took(
  answers: ((signal?: AbortSignal | null) => Response | Promise<Response>)[],
  { signal = new AbortController().signal, url = "http://localhost/v1" } = {},
): Promise<[boolean, number, boolean]> {
  const fetcher: typeof fetch = async (_, options) => await answers.shift()!(options?.signal);
  const client = providerOf({ AI_API_KEY: "sk-test", AI_BASE_URL: url }, answers.length > 0 ? fetcher : fetch);
  const progress: Embedding = { untold: 0, tokens: null };
  const limits = { signal, latest: performance.now() + 60_000, seconds: 0.2, patience: { tries: 3, pauseMs: 1 } };
  const came = await embed(client, "e", "text", progress, limits).then(() => true, () => false);
  const usage = ofEmbedding(progress, SENT);
  return [came, usage?.prompt_tokens ?? 0, usage?.is_estimated ?? false];
}

Deno.test("an embedding takes what the provider says", async () => {
  assert.deepEqual(await took([embedding]), [true, 7, false]);
});

Deno.test("where the provider says nothing that can be, it takes what was sent", async () => {
  for (const usage of [undefined, null, {}, { prompt_tokens: 0 }, { prompt_tokens: -1 }, { prompt_tokens: "7" }]) {
    assert.deepEqual(await took([() => vector(right, usage)]), [true, SENT, true]);
  }
});

Deno.test("what is no embedding was paid for all the same", async () => {
  for (const wrong of [[0.5], [...right, 0.5], "", null]) {
    assert.deepEqual(await took([() => vector(wrong, { prompt_tokens: 7 })]), [false, 7, false]);
    assert.deepEqual(await took([() => vector(wrong)]), [false, SENT, true]);
  }
  const garbage = () => new Response("{", { headers: { "Content-Type": "application/json" } });
  assert.deepEqual(await took([garbage]), [false, SENT, true]);
});

Deno.test("what was refused takes nothing", async () => {
  for (const status of [400, 401, 403, 404]) {
    assert.deepEqual(await took([() => Response.json({}, { status })]), [false, 0, false]);
  }
  for (const status of [429, 500]) {
    const refused = () => Response.json({}, { status });
    assert.deepEqual(await took([refused, refused, refused]), [false, 0, false]);
    assert.deepEqual(await took([refused, embedding]), [true, 7, false]);
  }
});

Deno.test("nor does what never reached the provider", async () => {
  const unused = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = unused.addr as Deno.NetAddr;
  unused.close();
  assert.deepEqual(await took([], { url: `http://127.0.0.1:${port}/v1` }), [false, 0, false]);
  assert.deepEqual(await took([embedding], { signal: AbortSignal.abort() }), [false, 0, false]);
});

Deno.test("each request that broke off or was given up is counted as sent", async () => {
  assert.deepEqual(await took([broken, broken, broken]), [false, 3 * SENT, true]);
  assert.deepEqual(await took([silent, embedding]), [true, SENT + 7, true]);
  assert.deepEqual(await took([silent], { signal: AbortSignal.timeout(50) }), [false, SENT, true]);
});
