// Apollo Client: `deno run apollo.js URL TOKEN`. Prints what a view of the list showed over time, and what was asked.
import { ApolloClient, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { relayStylePagination } from "@apollo/client/utilities";
import { asked, fetchAs, LIST, RENAME, shown } from "./story.js";

const [url, token] = Deno.args;
const client = new ApolloClient({
  link: new HttpLink({ uri: url, fetch: fetchAs(token) }),
  cache: new InMemoryCache({
    typePolicies: { Query: { fields: { trips: relayStylePagination(["filter", "orderBy"]) } } },
  }),
});

const list = client.watchQuery({ query: gql(LIST), variables: { first: 2 } });
const views = [];
let first;
const loaded = new Promise((resolve) => first = resolve);
list.subscribe(({ data, loading }) => {
  if (loading || !data) return;
  views.push(shown(data));
  first(data);
});

const { trips } = await loaded;
await list.fetchMore({ variables: { after: trips.pageInfo.endCursor } });
await client.mutate({ mutation: gql(RENAME), variables: { id: trips.edges[0].node.id, title: "Renamed" } });
const again = await client.query({ query: gql(LIST), variables: { first: 2 } });

console.log(JSON.stringify({ views, again: shown(again.data), keys: Object.keys(client.cache.extract()).length, asked }));
