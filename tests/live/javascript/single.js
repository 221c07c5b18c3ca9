// One event stream of graphql-sse carries everything: live queries, changes, a query, a mutation and a mistake.
// Prints what each heard, how many requests of each method were made, and whether an operation that was left is silent.
import { createClient } from "graphql-sse";

const [url, token, trip, item] = Deno.args;
const methods = {};
const client = createClient({
  url,
  singleConnection: true,
  headers: { Authorization: `Bearer ${token}` },
  retryAttempts: 0,
  fetchFn: (address, init) => {
    methods[init.method] = (methods[init.method] ?? 0) + 1;
    return fetch(address, init);
  },
});
const heard = { title: [], changes: [], left: [], query: [], mutation: [], mistake: [] };
const ends = {};

function run(name, query, variables) {
  return client.subscribe({ query, variables }, {
    next: ({ data, errors }) => heard[name].push(errors ? errors[0].extensions.code : data),
    error: (error) => (ends[name] = `error ${error.message}`),
    complete: () => (ends[name] = "complete"),
  });
}

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
async function until(condition) {
  for (let look = 0; look < 500 && !condition(); look++) await sleep(20);
}

const rename = `mutation ($id: UUID!, $title: String!) { updateTripItem(id: $id, patch: { title: $title }) { title } }`;
const title = `subscription ($trip: UUID!) { trip(id: $trip) { items { nodes { title } } } }`;
const stop = run("title", title, { trip });
const leave = run("left", title, { trip });
run("changes", `subscription ($trip: UUID!) { tripItemChanges(tripId: $trip) { operation tripItem { title } } }`, { trip });
run("query", `{ viewer { displayName } }`);
run("mistake", `{ nothing }`);
await until(() => heard.title.length && heard.left.length && ends.query && ends.mistake);
leave();
await sleep(1000); // its topics are joined
run("mutation", rename, { id: item, title: "By mutation" });
await until(() => heard.changes.length && ends.mutation && heard.title.length > 1);
stop();
await until(() => methods.DELETE === 2);
console.log(JSON.stringify({ heard, ends, methods }));
client.dispose();
Deno.exit(0);
