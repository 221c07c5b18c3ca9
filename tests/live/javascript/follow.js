// Two WebSocket clients and one of server-sent events follow a trip while its owner edits, moves, votes and deletes.
// Prints what each heard, and the longest time in milliseconds from a mutation's answer to the last of them hearing it.
import { createClient as createSseClient } from "graphql-sse";
import { createClient as createWsClient } from "graphql-ws";

const [url, ownerToken, editorToken, trip, item] = Deno.args;

const ITEMS = `subscription ($trip: UUID!) {
  tripItemChanges(tripId: $trip) { operation id tripItem { title orderIndex cost place { name } trip { title } } }
}`;
const VOTES = `subscription ($trip: UUID!) {
  voteChanges(tripId: $trip) { operation vote { value comment user { displayName } } }
}`;

const sockets = [ownerToken, editorToken].map((token) =>
  createWsClient({ url: url.replace("http", "ws"), connectionParams: { Authorization: `Bearer ${token}` } })
);
const stream = createSseClient({ url, headers: { Authorization: `Bearer ${editorToken}` } });

const heard = { owner: [], editor: [], sse: [] };
const listeners = [];

function follow(name, client, query) {
  client.subscribe({ query, variables: { trip } }, {
    next: ({ data, errors }) => {
      heard[name].push(errors ?? data);
      listeners.forEach((listener) => listener());
    },
    error: (error) => heard[name].push({ error: JSON.parse(JSON.stringify(error)) }),
    complete: () => {},
  });
}

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function until(condition, milliseconds) {
  const end = Date.now() + milliseconds;
  while (!condition()) {
    if (Date.now() > end) return false;
    await Promise.race([new Promise((resolve) => listeners.push(resolve)), sleep(20)]);
  }
  return true;
}

async function mutate(query) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${ownerToken}` },
    body: JSON.stringify({ query: `mutation { ${query} }` }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

follow("owner", sockets[0], ITEMS);
follow("editor", sockets[1], ITEMS);
follow("editor", sockets[1], VOTES);
follow("sse", stream, ITEMS);
follow("sse", stream, VOTES);

// Nothing is sent on subscribing, so knock until everyone answers, to both kinds.
const kinds = { owner: ["tripItemChanges"], editor: ["tripItemChanges", "voteChanges"], sse: ["tripItemChanges", "voteChanges"] };
const everyone = () =>
  Object.entries(kinds).every(([name, fields]) => fields.every((field) => heard[name].some((one) => field in one)));
for (let knock = 0; knock < 60 && !everyone(); knock++) {
  await mutate(`updateTripItem(id: "${item}", patch: { title: "Knock ${knock}" }) { id }`);
  await mutate(`castVote(tripItemId: "${item}", value: NEUTRAL, comment: "Knock ${knock}") { id }`);
  await until(everyone, 200);
}
await sleep(500);
for (const name in heard) heard[name].length = 0;

let slowest = 0;
async function step(query, events) {
  const before = Object.fromEntries(Object.entries(heard).map(([name, list]) => [name, list.length]));
  const data = await mutate(query);
  const began = Date.now();
  const done = () => Object.entries(events).every(([name, count]) => heard[name].length >= before[name] + count);
  await until(done, 5000);
  slowest = Math.max(slowest, Date.now() - began);
  return data;
}

const items = { owner: 1, editor: 1, sse: 1 };
await step(`updateTripItem(id: "${item}", patch: { title: "Ferry", cost: "12.30" }) { id }`, items);
const { createTripItem: made } = await step(`createTripItem(input: { tripId: "${trip}", title: "Tea", orderIndex: 1 }) { id }`, items);
await step(`moveTripItem(id: "${made.id}", dayNumber: 1, position: 0) { id }`, { owner: 2, editor: 2, sse: 2 });
await step(`castVote(tripItemId: "${item}", value: UP, comment: "Yes") { id }`, { editor: 1, sse: 1 });
await step(`deleteTripItem(id: "${made.id}") { id }`, items);
await sleep(500);

console.log(JSON.stringify({ heard, made: made.id, slowest }));
for (const socket of sockets) await socket.dispose();
stream.dispose();
Deno.exit(0);
