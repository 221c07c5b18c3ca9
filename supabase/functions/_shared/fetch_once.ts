// A fetch for requests that nobody may get twice, and whose receivers know no key by which they would notice.
//
// On a kept connection that ends before its answer, Deno's fetch sends a request again by itself, POST or not: a second
// message, mail or paid completion. So each has a connection of its own; where there is no such client, the header says so.

const CONNECTIONS = typeof Deno.createHttpClient === "function"
  ? { client: Deno.createHttpClient({ poolMaxIdlePerHost: 0, http2: false }) }
  : {};

/** As `fetch`; what its connection loses is lost, and whoever asked decides whether to ask again. */
export const fetchOnce: typeof fetch = (input, options) => {
  const headers = new Headers(options?.headers ?? (input instanceof Request ? input.headers : undefined));
  headers.set("Connection", "close");
  return fetch(input, { ...options, headers, ...CONNECTIONS });
};

/** The same for whatever may write; what only reads keeps its connections. */
export const writeOnce: typeof fetch = (input, options) => {
  const method = options?.method ?? (input instanceof Request ? input.method : "GET");
  return method === "GET" || method === "HEAD" ? fetch(input, options) : fetchOnce(input, options);
};
