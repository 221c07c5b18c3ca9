// urql with its normalised cache: `deno run urql.js URL TOKEN`. Prints what a view of the list showed over time, and
// what was asked.
import { Client, fetchExchange, gql } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { relayPagination } from "@urql/exchange-graphcache/extras";
import { asked, fetchAs, LIST, RENAME, shown } from "./story.js";

const [url, token] = Deno.args;
const client = new Client({
  url,
  preferGetMethod: false,
  fetch: fetchAs(token),
  exchanges: [cacheExchange({ resolvers: { Query: { trips: relayPagination() } } }), fetchExchange],
});

const views = [];
function view(variables) {
  return new Promise((loaded) =>
    client.query(gql(LIST), variables).subscribe(({ data, error }) => {
      if (error) throw error;
      views.push(shown(data));
      loaded(data);
    })
  );
}

const { trips } = await view({ first: 2 });
await view({ first: 2, after: trips.pageInfo.endCursor });
await client.mutation(gql(RENAME), { id: trips.edges[0].node.id, title: "Renamed" });
const again = await client.query(gql(LIST), { first: 2 });

console.log(JSON.stringify({ views, again: shown(again.data), asked }));
