// One root field of two fails: `deno run partial.js URL TOKEN`. Prints what each client hands on: by itself, and told to
// make do with what there is.
import { ApolloClient, gql as apollo, HttpLink, InMemoryCache } from "@apollo/client";
import { Client, fetchExchange, gql as urql } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { Environment, fetchQuery, Network, RecordSource, Store } from "relay-runtime";
import Both from "../relay/generated/documentsBothQuery.graphql.ts";
import Either from "../relay/generated/documentsEitherQuery.graphql.ts";

const [url, token] = Deno.args;
const headers = { "Content-Type": "application/json", Authorization: `Bearer ${token}` };
const QUERY = "query ($first: Int!) { viewer { id displayName } trips(first: $first) { totalCount } }";
const variables = { first: -1 };

const seen = ({ viewer, trips }) => ({ viewer: viewer.displayName, trips });

async function ofApollo(errorPolicy) {
  const link = new HttpLink({ uri: url, headers });
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  try {
    const { data, error } = await client.query({ query: apollo(QUERY), variables, errorPolicy });
    return { ...seen(data), path: error.errors[0].path };
  } catch (error) {
    return error.errors[0].path;
  }
}

async function ofUrql(exchanges) {
  const client = new Client({ url, preferGetMethod: false, fetchOptions: { headers }, exchanges });
  const { data, error } = await client.query(urql(QUERY), variables);
  return { ...seen(data), path: error.graphQLErrors[0].path };
}

async function ofRelay(query) {
  const network = Network.create(async ({ text }, variables) => {
    const response = await fetch(url, { method: "POST", headers, body: JSON.stringify({ query: text, variables }) });
    return response.json();
  });
  const environment = new Environment({
    getDataID: (record) => record.nodeId,
    network,
    store: new Store(new RecordSource()),
  });
  try {
    return seen(await fetchQuery(environment, query, variables).toPromise());
  } catch (error) {
    return error.name;
  }
}

console.log(JSON.stringify({
  apollo: [await ofApollo("none"), await ofApollo("all")],
  urql: [await ofUrql([fetchExchange]), await ofUrql([cacheExchange({}), fetchExchange])],
  relay: [await ofRelay(Both), await ofRelay(Either)],
}));
