// Runs the flows of a browser application with the unmodified supabase-js, and prints what came of them as JSON.
// Takes the API's address, the publishable key, the secret key and the inbox's address.
import { createClient } from "@supabase/supabase-js";

const [url, publishable, secret, inbox] = Deno.args;
const found = {};
let number = 0;

const memory = () => {
  const kept = new Map();
  return {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  };
};
const client = (key = publishable, more = {}) =>
  createClient(url, key, {
    auth: { autoRefreshToken: false, detectSessionInUrl: false, storage: memory(), ...more },
  });
const address = () => `js${number++}@example.com`;
const password = "correct horse";

/** The data of a call that must succeed. */
async function ok(call) {
  const { data, error } = await call;
  if (error) throw error;
  return data;
}
/** Status and code of a call that must be refused. */
async function refused(call) {
  const { error } = await call;
  if (!error) throw new Error("this should have been refused");
  return `${error.status} ${error.code}`;
}
async function newestMail(to) {
  const response = await fetch(`${inbox}?to=${encodeURIComponent(to)}`, { headers: { Accept: "application/json" } });
  return (await response.json())[0];
}
const codeOf = (mail) => mail.text.match(/Your code: (\d{6})/)[1];
const linkOf = (mail) => mail.text.match(/http\S+/)[0];
const methods = (session) => JSON.parse(atob(session.access_token.split(".")[1])).amr.map((entry) => entry.method);
async function signedUp() {
  const email = address();
  const supabase = client();
  const { user } = await ok(supabase.auth.signUp({ email, password, options: { data: { display_name: "Ada" } } }));
  return { email, supabase, id: user.id };
}

async function signingUpAndIn() {
  const { email, supabase, id } = await signedUp();
  const events = [];
  supabase.auth.onAuthStateChange((event) => events.push(event));
  const read = await ok(supabase.auth.getUser());
  const changed = await ok(supabase.auth.updateUser({ data: { nickname: "Countess", display_name: null } }));
  const before = (await ok(supabase.auth.getSession())).session;
  const after = (await ok(supabase.auth.refreshSession())).session;
  const other = client();
  const again = await ok(other.auth.signInWithPassword({ email, password }));
  const claims = await ok(supabase.auth.getClaims());
  return {
    same: read.user.id === id && again.user.id === id && claims.claims.sub === id,
    metadata: [changed.user.user_metadata.nickname, "display_name" in changed.user.user_metadata],
    rotated: before.refresh_token !== after.refresh_token,
    methods: methods(again.session),
    wrong: await refused(other.auth.signInWithPassword({ email, password: "wrong" })),
    twice: await refused(other.auth.signUp({ email, password })),
    weak: await refused(client().auth.signUp({ email: address(), password: "short" })),
    events,
  };
}

async function rows() {
  const [ada, ben] = [await signedUp(), await signedUp()];
  const written = await ok(ada.supabase.from("notes").insert({ body: "mine" }).select());
  const forged = await ben.supabase.from("notes").insert({ body: "hers", user_id: ada.id });
  const service = client(secret);
  return {
    own: (await ok(ada.supabase.from("notes").select("body"))).map((row) => row.body),
    others: await ok(ben.supabase.from("notes").select("body")),
    forged: forged.error.code,
    service: (await ok(service.from("notes").select("body").eq("id", written[0].id))).length,
    anonymous: (await client().from("notes").select("body")).error.code,
  };
}

async function forgottenPassword() {
  const { email, supabase } = await signedUp();
  await ok(client().auth.resetPasswordForEmail(email));
  const code = codeOf(await newestMail(email));
  const visitor = client();
  const wrong = await refused(visitor.auth.verifyOtp({ email, token: "000000", type: "recovery" }));
  const { session } = await ok(visitor.auth.verifyOtp({ email, token: code, type: "recovery" }));
  await ok(visitor.auth.updateUser({ password: "battery staple" }));
  return {
    wrong,
    methods: methods(session),
    again: await refused(client().auth.verifyOtp({ email, token: code, type: "recovery" })),
    old: await refused(client().auth.signInWithPassword({ email, password })),
    fresh: Boolean((await ok(client().auth.signInWithPassword({ email, password: "battery staple" }))).session),
    oldSession: await refused(supabase.auth.refreshSession()),
    same: await refused(visitor.auth.updateUser({ password: "battery staple" })),
  };
}

async function oneTimePassword() {
  const email = address();
  const visitor = client();
  const unknown = await refused(visitor.auth.signInWithOtp({ email, options: { shouldCreateUser: false } }));
  await ok(visitor.auth.signInWithOtp({ email }));
  const mail = await newestMail(email);
  const { user, session } = await ok(visitor.auth.verifyOtp({ email, token: codeOf(mail), type: "email" }));
  await ok(visitor.auth.signInWithOtp({ email, options: { emailRedirectTo: "http://127.0.0.1:5173/welcome" } }));
  const response = await fetch(linkOf(await newestMail(email)), { redirect: "manual" });
  await response.body?.cancel();
  const target = new URL(response.headers.get("Location"));
  const fragment = new URLSearchParams(target.hash.slice(1));
  const other = client();
  const { user: byLink } = await ok(other.auth.setSession({
    access_token: fragment.get("access_token"),
    refresh_token: fragment.get("refresh_token"),
  }));
  return {
    unknown,
    methods: methods(session),
    status: response.status,
    target: target.origin + target.pathname,
    type: fragment.get("type"),
    same: byLink.id === user.id,
  };
}

async function pkce() {
  const email = address();
  const visitor = client(publishable, { flowType: "pkce" });
  await ok(visitor.auth.signInWithOtp({ email }));
  const response = await fetch(linkOf(await newestMail(email)), { redirect: "manual" });
  await response.body?.cancel();
  const code = new URL(response.headers.get("Location")).searchParams.get("code");
  const thief = client(publishable, { flowType: "pkce" });
  await ok(thief.auth.signInWithOtp({ email: address() }));
  return {
    stolen: await refused(thief.auth.exchangeCodeForSession(code)),
    methods: methods((await ok(visitor.auth.exchangeCodeForSession(code))).session),
  };
}

async function anonymously() {
  const supabase = client();
  const { user, session } = await ok(supabase.auth.signInAnonymously());
  await ok(supabase.from("notes").insert({ body: "nobody's" }));
  const email = address();
  const kept = await ok(supabase.auth.updateUser({ email, password }));
  const later = await ok(client().auth.signInWithPassword({ email, password }));
  return {
    anonymous: user.is_anonymous,
    methods: methods(session),
    keptAnonymous: kept.user.is_anonymous,
    same: later.user.id === user.id,
    identities: later.user.identities.map((identity) => identity.provider),
  };
}

async function signingOut() {
  const { email, supabase: first } = await signedUp();
  const second = client();
  const third = client();
  for (const other of [second, third]) await ok(other.auth.signInWithPassword({ email, password }));
  await first.auth.signOut({ scope: "others" });
  const others = await refused(second.auth.refreshSession());
  await ok(first.auth.refreshSession());
  await ok(second.auth.signInWithPassword({ email, password }));
  await second.auth.signOut({ scope: "local" });
  await ok(first.auth.refreshSession());
  await ok(third.auth.signInWithPassword({ email, password }));
  await first.auth.signOut();
  return { others, everywhere: await refused(third.auth.refreshSession()) };
}

async function administration() {
  const { admin } = client(secret).auth;
  const email = address();
  const { user } = await ok(admin.createUser({ email, password, email_confirm: true, app_metadata: { plan: "free" } }));
  const listed = await ok(admin.listUsers({ page: 1, perPage: 2 }));
  const updated = await ok(admin.updateUserById(user.id, { user_metadata: { a: 1 }, app_metadata: { plan: "pro" } }));
  const link = await ok(admin.generateLink({ type: "magiclink", email }));
  const visitor = client();
  const byHash = await ok(visitor.auth.verifyOtp({ token_hash: link.properties.hashed_token, type: "magiclink" }));
  const invitee = address();
  await ok(admin.inviteUserByEmail(invitee));
  const invitation = codeOf(await newestMail(invitee));
  const invited = await ok(client().auth.verifyOtp({ email: invitee, token: invitation, type: "invite" }));
  await ok(admin.updateUserById(user.id, { ban_duration: "24h" }));
  const banned = await refused(client().auth.signInWithPassword({ email, password }));
  await ok(admin.deleteUser(user.id));
  return {
    listed: [listed.users.length, listed.nextPage, listed.total >= 3, listed.users[0].id === user.id],
    updated: [updated.user.user_metadata.a, updated.user.app_metadata.plan, updated.user.app_metadata.provider],
    byHash: byHash.user.id === user.id,
    invited: Boolean(invited.session),
    banned,
    gone: await refused(admin.getUserById(user.id)),
    publishable: await refused(client().auth.admin.listUsers()),
  };
}

const flows = {
  signingUpAndIn,
  rows,
  forgottenPassword,
  oneTimePassword,
  pkce,
  anonymously,
  signingOut,
  administration,
};
for (const [name, flow] of Object.entries(flows)) {
  try {
    found[name] = await flow();
  } catch (error) {
    found[name] = { failed: `${error?.stack ?? error}` };
  }
}
console.log(JSON.stringify(found));
Deno.exit(0);
