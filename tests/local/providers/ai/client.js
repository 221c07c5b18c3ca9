// OpenAI's own client library, unmodified, against the fake. Called with the fake's address and a list of calls,
// `[[how, …arguments], …]`; prints what each gives, or how it fails, as one line of JSON.
import OpenAI from "openai";

const [base, calls] = [Deno.args[0], JSON.parse(Deno.args[1])];
const client = (options = {}) =>
  new OpenAI({ baseURL: `${base}/v1`, apiKey: "sk-of-the-tests", maxRetries: 0, timeout: 20000, ...options });

const ways = {
  // The whole answer.
  create: (body, options) => client(options).chat.completions.create(body),
  // Each chunk as it came; what came before it failed, too.
  chunks: async (body, { abortAfter, ...options } = {}) => {
    const chunks = [];
    try {
      const stream = await client(options).chat.completions.create({ ...body, stream: true });
      for await (const chunk of stream) {
        chunks.push(chunk);
        if (chunks.length === abortAfter) break;
      }
      return { chunks };
    } catch (error) {
      return { chunks, ...failure(error) };
    }
  },
  // The library's own assembly of a stream.
  helper: async (body, options) => {
    const runner = client(options).chat.completions.stream(body);
    const deltas = [];
    const done = [];
    runner.on("content", (delta) => deltas.push(delta));
    runner.on("tool_calls.function.arguments.done", (event) => done.push(event.name));
    const completion = await runner.finalChatCompletion();
    return { completion, deltas, done, usage: await runner.totalUsage() };
  },
  embed: (body, options) => client(options).embeddings.create(body),
  models: async () => (await client().models.list()).data,
  model: (name) => client().models.retrieve(name),
};

const results = [];
for (const [how, ...given] of calls) {
  try {
    results.push(await ways[how](...given));
  } catch (error) {
    results.push(failure(error));
  }
}
console.log(JSON.stringify({ results }));

function failure(error) {
  const { status, code, param, type, message, requestID, headers } = error;
  const kind = Object.entries(OpenAI).find(([, each]) => each === error.constructor)?.[0] ?? error.constructor.name;
  return { failed: kind, status, code, param, type, message, requestID, retryAfter: headers?.get("retry-after") };
}
