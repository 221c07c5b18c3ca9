// urql with its exchange for sessions: `deno run urql.js URL ACCESS_TOKEN REFRESH_TOKEN`.
import { Client, fetchExchange, gql } from "@urql/core";
import { authExchange } from "@urql/exchange-auth";
import { asked, fetchNoting, isEnded, REFRESH, Tokens, TRIPS, VIEWER } from "./story.js";

const [url, access, refresh] = Deno.args;
const tokens = new Tokens(access, refresh);

const client = new Client({
  url,
  preferGetMethod: false,
  fetch: fetchNoting(tokens),
  fetchOptions: () => ({ headers: { Authorization: tokens.header } }),
  exchanges: [
    authExchange((utils) =>
      Promise.resolve({
        addAuthToOperation: (operation) => utils.appendHeaders(operation, { Authorization: tokens.header }),
        didAuthError: (error) => error.graphQLErrors.some(isEnded),
        refreshAuth: async () => {
          const { data, error } = await utils.mutate(gql(REFRESH), { token: tokens.refresh });
          if (error) throw error;
          tokens.take(data.refreshSession.session);
        },
      })
    ),
    fetchExchange,
  ],
});

const answers = await Promise.all([VIEWER, TRIPS].map((query) => client.query(gql(query), {}).toPromise()));
console.log(
  JSON.stringify({ data: answers.map(({ data }) => data), errors: answers.filter(({ error }) => error), asked }),
);
