import assert from "node:assert/strict";
import { hashOf } from "../_shared/secret.ts";
import { ADAS_TOKEN, type Answers, call, type Sent } from "../_shared/testing.ts";
import { inviteMember } from "./handler.ts";

const COLLECTION = "ada00000-0000-4000-8004-000000000003";
const INPUT = { scope: "collection", scope_id: COLLECTION, email: " Ben@Tripgate.example ", role: "editor" };
const ROW = { id: "ada00000-0000-4000-8005-000000000009", scope: "collection", email: "ben@tripgate.example" };
const ANNOUNCED = { name: "Bays <of> Rome", roles: ["viewer", "editor"], inviter: "Ada & Co" };

function upstream(changes: Answers = {}): Answers {
  return {
    "POST /rest/v1/rpc/announce_membership_invitation": () => Response.json(ANNOUNCED),
    "POST /rest/v1/membership_invitations": () => Response.json(ROW, { status: 201 }),
    "PATCH /rest/v1/membership_invitations": () => new Response(null, { status: 204 }),
    "POST /inbox": () => new Response(null, { status: 202 }),
    ...changes,
  };
}

const paths = (sent: Sent[]) => sent.map(({ method, url }) => `${method} ${url.pathname}`);

Deno.test("keeps the hash of a secret and mails the secret", async () => {
  const { status, body, sent } = await call(inviteMember, INPUT, upstream());
  assert.equal(status, 201);
  assert.deepEqual(body, { invitation: ROW });
  const [announce, insert, mail] = sent as [Sent, Sent, Sent];
  assert.deepEqual(paths(sent), [
    "POST /rest/v1/rpc/announce_membership_invitation",
    "POST /rest/v1/membership_invitations",
    "POST /inbox",
  ]);
  assert.deepEqual(announce.body, { scope: "collection", scope_id: COLLECTION, email: "ben@tripgate.example" });
  for (const request of [announce, insert]) {
    assert.equal(request.headers.get("Authorization"), `Bearer ${ADAS_TOKEN}`);
  }
  const link = new URL(/https:\S+/.exec(mail.body.text)?.[0] ?? "");
  assert.equal(link.origin + link.pathname, "https://trips.example/app/invitations/collection");
  const secret = link.searchParams.get("token") ?? "";
  assert.deepEqual(insert.body, {
    scope: "collection",
    scope_id: COLLECTION,
    email: "ben@tripgate.example",
    role: "editor",
    token_hash: await hashOf(secret),
  });
  assert.ok(!insert.url.searchParams.get("select")?.includes("token_hash"));
  assert.ok(!JSON.stringify(body).includes(secret));
  assert.equal(mail.body.subject, "Ada & Co invites you to share a collection");
  assert.ok(mail.body.text.startsWith("Ada & Co invites you to share the collection “Bays <of> Rome”.\n"));
  assert.ok(mail.body.html.includes("Ada &amp; Co invites you to share the collection “Bays &lt;of&gt; Rome”."));
});

Deno.test("refuses what is no scope, id, address or role, before asking anybody", async () => {
  const wrong = [
    ...["", "Collection", "../x", "a b", 7, undefined, "x".repeat(42)].map((scope) => ({ ...INPUT, scope })),
    ...["3", undefined].map((scope_id) => ({ ...INPUT, scope_id })),
    ...["ben", "a@b.c\nBcc: d@e.f", "ben<a@b.c>", undefined].map((email) => ({ ...INPUT, email })),
    ...["", 3, undefined].map((role) => ({ ...INPUT, role })),
    { ...INPUT, email: "ADA@tripgate.example" },
  ];
  for (const input of wrong) {
    const { status, body, sent } = await call(inviteMember, input);
    assert.deepEqual([status, body.code, sent.length], [400, "BAD_USER_INPUT", 0], JSON.stringify(input));
  }
});

Deno.test("a role that is not offered is refused before anything is kept", async () => {
  const { status, body, sent } = await call(inviteMember, { ...INPUT, role: "owner" }, upstream());
  assert.deepEqual([status, body.code, body.message], [400, "BAD_USER_INPUT", "role must be viewer or editor."]);
  assert.deepEqual(paths(sent), ["POST /rest/v1/rpc/announce_membership_invitation"]);
});

Deno.test("what the database refuses is passed on in its words", async () => {
  for (
    const [path, code, status] of [
      ["rpc/announce_membership_invitation", "NOT_FOUND", 404],
      ["rpc/announce_membership_invitation", "RATE_LIMITED", 429],
      ["membership_invitations", "CONFLICT", 409],
    ] as const
  ) {
    const refused = () => Response.json({ code, message: "No.", hint: '{"field":"email"}' }, { status });
    const answer = await call(inviteMember, INPUT, upstream({ [`POST /rest/v1/${path}`]: refused }));
    assert.deepEqual([answer.status, answer.body], [status, { code, message: "No.", extensions: { field: "email" } }]);
    assert.ok(!paths(answer.sent).includes("POST /inbox"));
  }
});

Deno.test("an invitation whose mail was not taken is revoked", async () => {
  const full = { "POST /inbox": () => new Response("full", { status: 507 }) };
  const { status, body, sent } = await call(inviteMember, INPUT, upstream(full));
  assert.deepEqual([status, body.code], [503, "UPSTREAM_UNAVAILABLE"]);
  const last = sent.at(-1)!;
  assert.deepEqual([last.method, last.url.pathname, last.body], ["PATCH", "/rest/v1/membership_invitations", {
    status: "revoked",
  }]);
});
