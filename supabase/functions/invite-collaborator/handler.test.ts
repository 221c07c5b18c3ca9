import assert from "node:assert/strict";
import { hashOf } from "../_shared/secret.ts";
import { ADA, ADAS_TOKEN, type Answers, call, type Sent } from "../_shared/testing.ts";
import { inviteCollaborator } from "./handler.ts";

const TRIP = "ada00000-0000-4000-8002-000000000003";
const INPUT = { trip_id: TRIP, email: " Ben@Tripgate.example ", role: "editor" };
const ROW = { id: "ada00000-0000-4000-8003-000000000009", trip_id: TRIP, email: "ben@tripgate.example" };

function upstream(changes: Answers = {}): Answers {
  return {
    "GET /rest/v1/trips": () =>
      Response.json([{ id: TRIP, title: "Lofoten <by> car", user_id: ADA, owner: { display_name: "Ada & Co" } }]),
    "POST /rest/v1/rpc/announce_invitation": () => new Response(null, { status: 204 }),
    "POST /rest/v1/invitations": () => Response.json(ROW, { status: 201 }),
    "PATCH /rest/v1/invitations": () => new Response(null, { status: 204 }),
    "POST /inbox": () => new Response(null, { status: 202 }),
    ...changes,
  };
}

const paths = (sent: Sent[]) => sent.map(({ method, url }) => `${method} ${url.pathname}`);

Deno.test("keeps the hash of a secret and mails the secret", async () => {
  const { status, body, sent } = await call(inviteCollaborator, INPUT, upstream());
  assert.equal(status, 201);
  assert.deepEqual(body, { invitation: ROW });
  const [read, announce, insert, mail] = sent as [Sent, Sent, Sent, Sent];
  assert.deepEqual(paths(sent), [
    "GET /rest/v1/trips",
    "POST /rest/v1/rpc/announce_invitation",
    "POST /rest/v1/invitations",
    "POST /inbox",
  ]);
  assert.deepEqual(announce.body, { trip: TRIP, email: "ben@tripgate.example" });
  for (const request of [read, announce, insert]) {
    assert.equal(request.headers.get("Authorization"), `Bearer ${ADAS_TOKEN}`);
  }

  const link = new URL(/https:\S+/.exec(mail.body.text)?.[0] ?? "");
  assert.equal(link.origin + link.pathname, "https://trips.example/app/invitations");
  const secret = link.searchParams.get("token") ?? "";
  assert.deepEqual(insert.body, {
    trip_id: TRIP,
    email: "ben@tripgate.example",
    role: "editor",
    token_hash: await hashOf(secret),
  });
  assert.ok(
    !insert.url.search.includes("token_hash") || !insert.url.searchParams.get("select")?.includes("token_hash"),
  );
  assert.ok(!JSON.stringify(body).includes(secret));
});

Deno.test("names and titles are not markup", async () => {
  const { sent } = await call(inviteCollaborator, INPUT, upstream());
  const mail = sent.at(-1)!;
  assert.equal(mail.headers.get("Authorization"), "Bearer postage");
  assert.equal(mail.body.to, "ben@tripgate.example");
  assert.ok(mail.body.html.includes("Lofoten &lt;by&gt; car"));
  assert.ok(mail.body.html.includes("Ada &amp; Co"));
  assert.ok(!mail.body.html.includes("<by>"));
  assert.ok(mail.body.text.includes("Ada & Co invites you to plan “Lofoten <by> car” together."));
});

Deno.test("names and titles are neither lines nor links", async () => {
  const title = "Rome\r\n\r\nYour account is locked.\n\x00\u2028Mend it: https://evil.example/login \u202egro.knab";
  const trip = () =>
    Response.json([{ id: TRIP, title, user_id: ADA, owner: { display_name: "Ada\n<a@evil.example>" } }]);
  const { sent } = await call(inviteCollaborator, INPUT, upstream({ "GET /rest/v1/trips": trip }));
  const mail = sent.at(-1)!.body;
  assert.equal(mail.subject, "Ada <a@\u2060evil.\u2060example> invites you to plan a trip");
  assert.equal(
    mail.text.split("\n")[0],
    "Ada <a@\u2060evil.\u2060example> invites you to plan “Rome Your account is locked. Mend it: " +
      "https:\u2060//evil.\u2060example/login gro.\u2060knab” together.",
  );
  assert.equal(mail.text.split("\n").length, 6);
  for (const body of [mail.text, mail.html]) {
    assert.deepEqual(body.match(/https?:\/\/[^/]+/g), ["https://trips.example"]);
    assert.ok(!body.includes("evil.example"));
  }
});

Deno.test("one who sends too many is told before anything is kept", async () => {
  const full = () =>
    Response.json({ code: "RATE_LIMITED", message: "A person can send 30. Wait.", hint: "{}" }, { status: 429 });
  const { status, body, sent } = await call(
    inviteCollaborator,
    INPUT,
    upstream({ "POST /rest/v1/rpc/announce_invitation": full }),
  );
  assert.deepEqual([status, body.code], [429, "RATE_LIMITED"]);
  assert.deepEqual(paths(sent), ["GET /rest/v1/trips", "POST /rest/v1/rpc/announce_invitation"]);
});

Deno.test("refuses what is no trip, address or role, before asking anybody", async () => {
  const wrong = [
    { ...INPUT, trip_id: "3" },
    { ...INPUT, trip_id: undefined },
    { ...INPUT, email: "ben" },
    { ...INPUT, email: "ben@example" },
    { ...INPUT, email: "a@b.c\nBcc: d@e.f" },
    { ...INPUT, email: "a\0@b.c" },
    ...[
      "a@b.c,d@e.f",
      "a@b.c;d@e.f",
      "ben<a@b.c>",
      "<a@b.c>",
      "ben<x@b.c",
      "a@b.c>",
      '"a"@b.c',
      "(ben)a@b.c",
      "a@[b.c]",
    ]
      .map((email) => ({ ...INPUT, email })),
    { ...INPUT, email: `${"x".repeat(250)}@example.org` },
    { ...INPUT, email: ["ben@example.org"] },
    { ...INPUT, role: "owner" },
    { ...INPUT, role: undefined },
  ];
  for (const input of wrong) {
    const { status, body, sent } = await call(inviteCollaborator, input);
    assert.deepEqual([status, body.code, sent.length], [400, "BAD_USER_INPUT", 0], JSON.stringify(input));
  }
});

Deno.test("a trip that the caller cannot see, or does not own", async () => {
  const unseen = await call(inviteCollaborator, INPUT, upstream({ "GET /rest/v1/trips": () => Response.json([]) }));
  assert.deepEqual([unseen.status, unseen.body.code], [404, "NOT_FOUND"]);
  const others = () => Response.json([{ id: TRIP, title: "x", user_id: crypto.randomUUID(), owner: null }]);
  const shared = await call(inviteCollaborator, INPUT, upstream({ "GET /rest/v1/trips": others }));
  assert.deepEqual([shared.status, shared.body.code], [403, "FORBIDDEN"]);
});

Deno.test("nobody invites themselves", async () => {
  const { status, body } = await call(inviteCollaborator, { ...INPUT, email: "ADA@tripgate.example" }, upstream());
  assert.deepEqual([status, body.code, body.extensions], [400, "BAD_USER_INPUT", { field: "email" }]);
});

Deno.test("the database's limits are passed on in its words", async () => {
  const full = () =>
    Response.json({ code: "RATE_LIMITED", message: "A trip can have 20. Wait.", hint: "{}" }, { status: 429 });
  const { status, body, sent } = await call(
    inviteCollaborator,
    INPUT,
    upstream({ "POST /rest/v1/invitations": full }),
  );
  assert.equal(status, 429);
  assert.deepEqual(body, { code: "RATE_LIMITED", message: "A trip can have 20. Wait.", extensions: {} });
  assert.ok(!paths(sent).includes("POST /inbox"));
});

Deno.test("an invitation whose mail was not taken is revoked", async () => {
  const failures: Answers[] = [
    { "POST /inbox": () => new Response("full", { status: 507 }) },
    { "POST /inbox": () => Promise.reject(new TypeError("connection refused")) },
  ];
  for (const failure of failures) {
    const { status, body, sent } = await call(inviteCollaborator, INPUT, upstream(failure));
    assert.deepEqual([status, body.code], [503, "UPSTREAM_UNAVAILABLE"]);
    const last = sent.at(-1)!;
    assert.deepEqual([last.method, last.url.searchParams.get("id"), last.body], ["PATCH", `eq.${ROW.id}`, {
      status: "revoked",
    }]);
  }
});

Deno.test("the data service being away is said as such", async () => {
  const { status, body } = await call(inviteCollaborator, INPUT, {});
  assert.deepEqual([status, body.code], [503, "UPSTREAM_UNAVAILABLE"]);
});
