import { authExchange } from "@urql/exchange-auth";
import { cacheExchange } from "@urql/exchange-graphcache";
import { relayPagination } from "@urql/exchange-graphcache/extras";
import { Client, fetchExchange, subscriptionExchange } from "urql";
import { GRAPHQL_URL } from "../config.ts";
import { auth as session, authorization, isEnded, renew } from "../session.ts";
import { socket } from "../socket.ts";

const WORTH: { [value: string]: number } = { UP: 1, NEUTRAL: 0, DOWN: -1 };

const cache = cacheExchange({
  keys: { VoteSummary: () => null },
  resolvers: { Query: { trips: relayPagination() } },
  updates: {
    Query: {
      // The first page read anew: what followed the old one need not follow this one.
      trips(_result, args, cache) {
        if (args.after) return;
        for (const { fieldName, arguments: page } of cache.inspectFields("Query")) {
          if (fieldName === "trips" && page?.after) cache.invalidate("Query", "trips", page);
        }
      },
    },
  },
  optimistic: {
    castVote({ tripItemId: id, value }, cache) {
      const summary = cache.resolve({ __typename: "TripItem", id: String(id) }, "voteSummary") as string;
      const score = cache.resolve(summary, "score") as number;
      const mine = cache.resolve(summary, "mine") as string | null;
      return {
        __typename: "Vote",
        tripItem: {
          __typename: "TripItem",
          id: String(id),
          voteSummary: {
            __typename: "VoteSummary",
            score: score - (mine ? WORTH[mine] : 0) + WORTH[String(value)],
            mine: String(value),
          },
        },
      };
    },
  },
});

const auth = authExchange(async (utils) => {
  let headers = await authorization();
  session.onAuthStateChange((_event, now) => headers = now ? { Authorization: `Bearer ${now.access_token}` } : {});
  return {
    addAuthToOperation: (operation) => utils.appendHeaders(operation, { ...headers }),
    didAuthError: (error) => isEnded(error.graphQLErrors),
    refreshAuth: async () => void await renew(),
  };
});

export const client = new Client({
  url: GRAPHQL_URL,
  preferGetMethod: false,
  exchanges: [
    cache,
    auth,
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: ({ query, variables }) => ({
        subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query: query ?? "", variables }, sink as never) }),
      }),
    }),
  ],
});
