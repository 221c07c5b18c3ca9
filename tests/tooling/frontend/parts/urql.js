// urql: `deno run urql.js URL TOKEN STORY`. Prints what a view showed over time.
import { cacheExchange, Client, fetchExchange, gql } from "@urql/core";
import { fetchAs, PARTS, shown } from "./story.js";

const [url, token, story] = Deno.args;
const client = new Client({
  url,
  preferGetMethod: false,
  fetch: fetchAs(token),
  exchanges: [cacheExchange, fetchExchange],
});

const views = [];
await new Promise((resolve, reject) =>
  client.query(gql(PARTS[story]), {}).subscribe(({ data, error, hasNext }) => {
    if (error) reject(error);
    if (data) views.push(shown(data));
    if (!hasNext) resolve();
  })
);
console.log(JSON.stringify(views));
