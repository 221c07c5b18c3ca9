// Apollo Client with automatic persisted queries: `deno run persisted.js URL`. Prints its answers, and how it asked: by
// which method, and whether the document went along.
import { ApolloClient, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { print } from "graphql";

const [url] = Deno.args;
const asked = [];

async function sha256(text) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function noted(uri, options) {
  asked.push([options.method, `${uri}${options.body ?? ""}`.includes("__typename")]);
  return fetch(uri, options);
}

const client = new ApolloClient({
  link: new PersistedQueryLink({ generateHash: (query) => sha256(print(query)), useGETForHashedQueries: true }).concat(
    new HttpLink({ uri: url, fetch: noted }),
  ),
  cache: new InMemoryCache(),
});

const query = gql("query ApolloHello { __typename }");
const answers = [];
for (let time = 0; time < 2; time++) {
  const { data } = await client.query({ query, fetchPolicy: "no-cache" });
  answers.push(data);
}
console.log(JSON.stringify({ answers, asked }));
