// The log: one line of JSON for each event, with the function and the request that it belongs to. What is running is
// known without being handed on, so that calls of the database carry the request's id too.

import { AsyncLocalStorage } from "node:async_hooks";

export const REQUEST_ID = "X-Request-Id";

interface Running {
  function: string;
  request_id: string;
}

type Level = "debug" | "info" | "warn" | "error";
export type Fields = Record<string, unknown>;

const running = new AsyncLocalStorage<Running>();
const hidden = new Set<string>();
// Ids of others go on where they can do no harm in a line, a header or a URL.
const ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;
// Keys and tokens have forms by which they are known wherever they come from.
const KEY_OR_TOKEN = /sb_secret_[\w-]+|eyJ[\w-]+\.[\w-]+\.[\w-]*/g;
// The platform cuts lines at 10,000 characters, and what is cut is no JSON.
const LONGEST_LINE = 9000;
const LONGEST_TEXT = 2000;
// A secret that is shorter would take words out of sentences.
export const SHORTEST_SECRET = 8;

/** Do some work as that of a request: with its id, or a new one, and the name of the function that it is for. */
export function inRequest<Result>(request: Request, work: () => Result): Result {
  const given = request.headers.get(REQUEST_ID) ?? "";
  const id = ID.test(given) ? given : crypto.randomUUID();
  // Called below /functions/v1, which is gone by now on the platform and here.
  const name = new URL(request.url).pathname.replace(/^\/functions\/v1(?=\/)/, "").split("/")[1] ?? "";
  return running.run({ function: name, request_id: id }, work);
}

/** The id of the request whose work this is. */
export function requestId(): string | undefined {
  return running.getStore()?.request_id;
}

/** Calls by which the id of the request that is running goes along. */
export function withRequestId(fetcher: typeof fetch): typeof fetch {
  return (input, options) => {
    const id = requestId();
    if (id === undefined) return fetcher(input, options);
    const headers = new Headers(options?.headers ?? (input instanceof Request ? input.headers : undefined));
    headers.set(REQUEST_ID, id);
    return fetcher(input, { ...options, headers });
  };
}

/** Keep these out of the log, wherever they stand in it. */
export function hide(secrets: Iterable<string>): void {
  for (const secret of secrets) if (secret.length >= SHORTEST_SECRET) hidden.add(JSON.stringify(secret).slice(1, -1));
}

/** Write a line. Fields are any JSON and errors; they cannot take the place of what each line has. */
export const log = {
  debug: (message: string, fields: Fields = {}): void => write("debug", message, fields),
  info: (message: string, fields: Fields = {}): void => write("info", message, fields),
  warn: (message: string, fields: Fields = {}): void => write("warn", message, fields),
  error: (message: string, fields: Fields = {}): void => write("error", message, fields),
};

/** The line that would be written. */
export function line(level: Level, message: string, fields: Fields = {}): string {
  const first = {
    time: new Date().toISOString(),
    level,
    ...running.getStore(),
    message: plain(message, new WeakSet()),
  };
  const whole = { ...first, ...(plain(fields, new WeakSet()) as Fields), ...first };
  const text = masked(whole);
  return text.length <= LONGEST_LINE ? text : masked({ ...first, cut: text.length });
}

function write(level: Level, message: string, fields: Fields): void {
  console[level](line(level, message, fields));
}

/** A text as it may be kept elsewhere than in the log. */
export function withoutSecrets(text: string): string {
  return JSON.parse(masked(text));
}

function masked(value: unknown): string {
  let text = JSON.stringify(value);
  for (const secret of hidden) text = text.replaceAll(secret, "[secret]");
  return text.replaceAll(KEY_OR_TOKEN, "[secret]");
}

/** A value that JSON can hold: errors by name, message and stack, long texts cut, nothing inside itself. */
function plain(value: unknown, above: WeakSet<object>): unknown {
  if (typeof value === "string") return value.length > LONGEST_TEXT ? `${value.slice(0, LONGEST_TEXT)}…` : value;
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return value;
  if (above.has(value)) return "[itself]";
  above.add(value);
  const parts = value instanceof Error
    ? { ...value, name: value.name, message: value.message, stack: value.stack, cause: value.cause }
    : value;
  const found = Array.isArray(parts)
    ? parts.map((each) => plain(each, above))
    : "toJSON" in parts && typeof parts.toJSON === "function"
    ? parts.toJSON()
    : Object.fromEntries(Object.entries(parts).map(([name, each]) => [name, plain(each, above)]));
  above.delete(value);
  return found;
}
