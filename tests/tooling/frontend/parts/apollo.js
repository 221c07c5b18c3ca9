// Apollo Client: `deno run apollo.js URL TOKEN STORY HANDLER`. Prints what a view showed over time.
import { ApolloClient, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { Defer20220824Handler, GraphQL17Alpha9Handler } from "@apollo/client/incremental";
import { fetchAs, PARTS, shown } from "./story.js";

const [url, token, story, handler] = Deno.args;
const client = new ApolloClient({
  link: new HttpLink({ uri: url, fetch: fetchAs(token) }),
  cache: new InMemoryCache(),
  incrementalHandler: handler === "v0.2" ? new GraphQL17Alpha9Handler() : new Defer20220824Handler(),
});

const views = [];
await new Promise((resolve, reject) =>
  client.watchQuery({ query: gql(PARTS[story]) }).subscribe(({ data, error, networkStatus }) => {
    if (error) reject(error);
    if (data?.trips) views.push(shown(data));
    if (networkStatus === 7) resolve();
  })
);
console.log(JSON.stringify(views));
