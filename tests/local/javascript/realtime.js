// Joins channels as a browser application would, with the unmodified supabase-js, and prints what came of it as JSON.
// Takes the API's address, the publishable key, the version of the wire format, a room, and two people of it as JSON:
// [{id, token}, …].
import { createClient } from "@supabase/supabase-js";

const [url, publishable, vsn, room, people] = Deno.args;
const [ada, ben] = JSON.parse(people);
const topic = `room:${room}`;
const found = {};

const client = (person) =>
  createClient(url, publishable, { accessToken: async () => person?.token ?? null, realtime: { vsn } });

/** Waits until `condition()` gives something. */
async function until(condition, what) {
  for (let left = 1000; left > 0; left--) {
    const value = condition();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`never came: ${what}`);
}
/** Joins; the state that the channel comes to. */
const joined = (channel) =>
  new Promise((resolve) => channel.subscribe((state, error) => resolve(error ? `${state} ${error.message}` : state)));
const privately = (config = {}) => ({ config: { private: true, ...config } });

const hers = client(ada);
const his = client(ben);
// A client asks for its token in the background, and would join the first channel without it.
await Promise.all([hers.realtime.setAuth(), his.realtime.setAuth()]);

async function broadcasts() {
  const heard = [];
  const listener = his.channel(topic, privately());
  listener.on("broadcast", { event: "*" }, (message) => heard.push(message));
  const speaker = hers.channel(topic, privately({ broadcast: { ack: true, self: true } }));
  const own = [];
  speaker.on("broadcast", { event: "said" }, (message) => own.push(message.payload));
  const states = [await joined(listener), await joined(speaker)];
  const sent = await speaker.send({ type: "broadcast", event: "said", payload: { words: "grüß Gott" } });
  await until(() => heard.length === 1 && own.length === 1, "the broadcast");
  let binary = null;
  if (vsn === "2.0.0") {
    await speaker.send({ type: "broadcast", event: "bytes", payload: new Uint8Array([0, 1, 255]).buffer });
    binary = [...new Uint8Array((await until(() => heard[1], "the bytes")).payload)];
    await speaker.httpSend("bytes", new Uint8Array([7]));
    binary.push(...new Uint8Array((await until(() => heard[2], "the posted bytes")).payload));
  }
  const before = heard.length;
  await speaker.httpSend("posted", { n: 2 });
  await until(() => heard.length > before, "the posted message");
  await hers.rpc("say", { topic, n: 3 });
  await until(() => heard.length > before + 1, "the message from the database");
  const [first, posted, stored] = [heard[0], ...heard.slice(before)];
  await Promise.all([his.removeChannel(listener), hers.removeChannel(speaker)]);
  return {
    states,
    sent,
    own: own[0],
    binary,
    first: [first.event, first.payload, "meta" in first],
    posted: [posted.event, posted.payload],
    stored: [stored.event, stored.payload.n, stored.payload.id === stored.meta.id],
  };
}

async function replay() {
  const heard = [];
  const channel = his.channel(topic, privately({ broadcast: { replay: { since: Date.now() - 3600_000, limit: 10 } } }));
  channel.on("broadcast", { event: "said" }, (message) => heard.push([message.payload.n, message.meta.replayed]));
  await joined(channel);
  await until(() => heard.length > 0, "the replay");
  await his.removeChannel(channel);
  return heard;
}

async function presence() {
  const [one, two] = [hers, his].map((supabase, number) =>
    supabase.channel(topic, privately({ presence: { key: `key${number}` } })),
  );
  const joins = [];
  const leaves = [];
  one.on("presence", { event: "sync" }, () => {});
  two.on("presence", { event: "join" }, ({ key }) => joins.push(key));
  two.on("presence", { event: "leave" }, ({ key }) => leaves.push(key));
  await Promise.all([joined(one), joined(two)]);
  const tracked = [await one.track({ name: "Ada" }), await two.track({ name: "Ben" })];
  const state = () => Object.fromEntries(Object.entries(one.presenceState()).map(([key, all]) => [key, all[0].name]));
  await until(() => Object.keys(state()).length === 2, "both");
  const both = state();
  await one.untrack();
  await until(() => leaves.length === 1, "the leave");
  await Promise.all([hers.removeChannel(one), his.removeChannel(two)]);
  return { tracked, both, joins: joins.sort(), leaves };
}

async function changes() {
  const number = Math.floor(Math.random() * 1e9);
  const [own, others] = [[], []];
  const system = [];
  const channels = [hers, his].map((supabase, index) =>
    supabase
      .channel("tasks")
      .on(
        "postgres_changes",
        { event: "*", schema: "public", table: "tasks", filter: `id=eq.${number}` },
        (change) => [own, others][index].push(change),
      )
      .on("system", {}, ({ message }) => system.push(message)),
  );
  const states = await Promise.all(channels.map(joined));
  await until(() => system.length === 2, "the subscription");
  const tasks = () => hers.from("tasks");
  await tasks().insert({ id: number, user_id: ada.id, title: "Pack", amount: 1.5, labels: ["a", "b"] });
  await until(() => own.length === 1, "the insert");
  await tasks().update({ title: "Unpack" }).eq("id", number);
  await until(() => own.length === 2, "the update");
  await tasks().delete().eq("id", number);
  await until(() => own.length === 3 && others.length === 1, "the deletion");
  await Promise.all([hers.removeChannel(channels[0]), his.removeChannel(channels[1])]);
  return {
    states,
    system,
    own: own.map(({ eventType, new: now, old }) => [eventType, now.title ?? null, "id" in old]),
    typed: [own[0].new.amount, own[0].new.labels],
    others: others.map(({ eventType, old }) => [eventType, Object.keys(old)]),
  };
}

async function refused() {
  const stranger = client(null);
  const state = await joined(stranger.channel(topic, privately()));
  const open = await joined(stranger.channel("square"));
  await stranger.removeAllChannels();
  return { state, open };
}

found.broadcasts = await broadcasts();
found.replay = await replay();
found.presence = await presence();
found.changes = await changes();
found.refused = await refused();
await Promise.all([hers.realtime.disconnect(), his.realtime.disconnect()]);
console.log(JSON.stringify(found));
Deno.exit(0);
