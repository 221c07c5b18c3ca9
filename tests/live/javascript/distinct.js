// An event stream of graphql-sse for each operation, with the retries that the client comes with. Prints what each heard
// and how often each was asked.
import { createClient } from "graphql-sse";

const [url, token, trip] = Deno.args;
const heard = {}, ends = {}, requests = {};

function run(name, request, headers = { Authorization: `Bearer ${token}` }) {
  heard[name] = [];
  requests[name] = [];
  const client = createClient({
    url,
    headers,
    retry: () => new Promise((resolve) => setTimeout(resolve, 20)),
    fetchFn: async (address, init) => {
      const response = await fetch(address, init);
      requests[name].push(response.status);
      return response;
    },
  });
  return new Promise((done) => {
    client.subscribe(request, {
      next: ({ data, errors }) => heard[name].push(errors ? errors.map((error) => error.extensions.code) : data),
      error: (error) => done(ends[name] = `error ${error.message}`),
      complete: () => done(ends[name] = "complete"),
    });
  });
}

const title = `subscription ($trip: UUID!) { trip(id: $trip) { title } }`;
let asked = 0;
await Promise.all([
  run("query", { query: `{ __typename }` }),
  run("syntax", { query: `subscription {` }),
  run("validation", { query: `subscription { trip(id: "${trip}") { nothing } }` }),
  run("variables", { query: title, variables: { trip: 1 } }),
  run("name", { query: `{ __typename }`, operationName: "Other" }),
  run("cost", { query: `{ trips(first: 100) { nodes { items(first: 100) { nodes { votes(first: 100) { nodes { id } } } } } } }` }),
  run("depth", { query: `subscription { trip(id: "${trip}") ${"{ trip: owner ".repeat(13)}{ id }${" }".repeat(13)} }` }),
  run("refused", { query: `{ viewer { id } }` }, { Authorization: "Bearer none" }),
  run("refreshed", { query: `{ viewer { __typename } }` }, () => ({ Authorization: `Bearer ${asked++ ? token : "none"}` })),
]);
console.log(JSON.stringify({ heard, ends, requests }));
Deno.exit(0);
