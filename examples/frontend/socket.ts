import { type Client, createClient } from "graphql-ws";
import { GRAPHQL_URL } from "./config.ts";
import { auth, authorization, isEnded, renew } from "./session.ts";

const client = createClient({
  url: GRAPHQL_URL.replace("http", "ws"),
  connectionParams: authorization,
  retryAttempts: Infinity,
  lazyCloseTimeout: 5_000,
});

// An open socket is told each new token; so what runs on it runs on.
let open: WebSocket | undefined;
client.on("connected", (socket) => open = socket as WebSocket);
client.on("closed", () => open = undefined);
auth.onAuthStateChange((event, session) => {
  if (event !== "TOKEN_REFRESHED" || !session) return;
  open?.send(JSON.stringify({ type: "ping", payload: { Authorization: `Bearer ${session.access_token}` } }));
});

const PASSING = ["UPSTREAM_UNAVAILABLE", "TIMEOUT", "OVERLOADED"];

/** graphql-ws's client, whose subscriptions outlive outages and tokens that end unseen, as while the machine sleeps. */
export const socket: Client = {
  ...client,
  subscribe(request, sink) {
    let stop = () => {};
    let stopped = false;
    const begin = () => {
      if (stopped) return;
      stop = client.subscribe(request, {
        next: (answer) => sink.next(answer as never),
        complete: () => sink.complete(),
        error: async (problem) => {
          const errors = Array.isArray(problem) ? problem : [];
          const passes = errors.some(({ extensions }) => PASSING.includes(extensions?.code));
          if (passes || isEnded(errors) && await renew()) setTimeout(begin, 1_000 + Math.random() * 2_000);
          else sink.error(problem);
        },
      });
    };
    begin();
    return () => {
      stopped = true;
      stop();
    };
  },
};
