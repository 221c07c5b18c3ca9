// The way to the server: queries and mutations over HTTP, subscriptions over one WebSocket, all as who is signed in.
import { authExchange } from "@urql/exchange-auth";
import { createClient } from "graphql-ws";
import { Client, fetchExchange, subscriptionExchange } from "urql";
import { freshSession, getSession, onSession } from "../session/session";
import { announce } from "../ui/announcer";
import { hasCode } from "./errors";

const header = () => ({ Authorization: `Bearer ${getSession()?.accessToken}` });

let open: WebSocket | undefined;
const socket = createClient({
  url: `${location.origin.replace("http", "ws")}/graphql`,
  connectionParams: async () => {
    await freshSession();
    return header();
  },
  // A server that stops or a network that is away for a while is no reason to give up.
  retryAttempts: Infinity,
  shouldRetry: () => true,
  on: {
    connected: (connection, _, isRetry) => {
      open = connection as WebSocket;
      if (isRetry) announce("Connected again.");
    },
    closed: (event) => {
      open = undefined;
      if (!(event as CloseEvent).wasClean) announce("The connection is lost. Trying again…");
    },
  },
});

// The next token, for a connection that was opened under the one before.
onSession(() => open?.send(JSON.stringify({ type: "ping", payload: header() })));

export const client = new Client({
  url: "/graphql",
  preferGetMethod: false,
  exchanges: [
    authExchange(async (utils) => ({
      addAuthToOperation: (operation) => utils.appendHeaders(operation, header()),
      didAuthError: (error) => hasCode(error, "UNAUTHENTICATED"),
      refreshAuth: async () => { await freshSession(getSession()?.accessToken); },
    })),
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: ({ query = "", variables, operationName }) => ({
        subscribe: (sink) => ({
          unsubscribe: socket.subscribe({ query, variables, operationName }, sink),
        }),
      }),
    }),
  ],
});
