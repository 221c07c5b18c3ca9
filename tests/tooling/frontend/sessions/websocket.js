// graphql-ws, with nothing but a WebSocket: `deno run websocket.js URL ACCESS_TOKEN REFRESH_TOKEN lazy|open`. `open` keeps
// one connection, which is told the new token by a ping; otherwise it is made anew whenever nothing runs on it.
import { createClient } from "graphql-ws";
import { asked, isEnded, REFRESH, Tokens, TRIPS, VIEWER } from "./story.js";

const [url, access, refresh, mode] = Deno.args;
const tokens = new Tokens(access, refresh);

let connections = 0;
let socket;
const client = createClient({
  url: url.replace("http", "ws"),
  lazy: mode === "lazy",
  connectionParams: () => ({ Authorization: tokens.header }),
  on: { connected: (opened) => (connections += 1, socket = opened) },
  onNonLazyError: (error) => {
    throw error;
  },
});

function once(query, variables) {
  asked.push([/\w+ (\w+)/.exec(query)[1], tokens.access === tokens.old ? "old" : "new"]);
  return new Promise((resolve, reject) => {
    let answer;
    client.subscribe({ query, variables }, {
      next: (found) => answer = found,
      error: (errors) => resolve({ errors }),
      complete: () => answer ? resolve(answer) : reject(new Error("no answer")),
    });
  });
}

async function renewed() {
  const { data, errors } = await once(REFRESH, { token: tokens.refresh });
  if (errors) throw new Error(JSON.stringify(errors));
  tokens.take(data.refreshSession.session);
  if (mode === "open") socket.send(JSON.stringify({ type: "ping", payload: { Authorization: tokens.header } }));
}

const answers = [];
for (const query of [VIEWER, TRIPS]) {
  let answer = await once(query);
  if (answer.errors?.some(isEnded)) {
    await renewed();
    answer = await once(query);
  }
  answers.push(answer);
}
await client.dispose();
console.log(JSON.stringify({
  data: answers.map(({ data }) => data),
  errors: answers.filter(({ errors }) => errors),
  asked,
  connections,
}));
