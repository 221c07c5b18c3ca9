import assert from "node:assert/strict";
import { ADAS_TOKEN, call } from "../_shared/testing.ts";
import { acceptMembership } from "./handler.ts";

const RPC = "POST /rest/v1/rpc/accept_membership";

Deno.test("gives the membership that the database made, as the caller", async () => {
  const membership = { id: crypto.randomUUID(), scope: "collection", role: "viewer" };
  for (const [scope, of_scope] of [["collection", "collection"], [undefined, null]]) {
    const { status, body, sent } = await call(acceptMembership, { token: "secret", scope }, {
      [RPC]: () => Response.json(membership),
    });
    assert.deepEqual([status, body], [200, { membership }]);
    assert.equal(sent.length, 1);
    assert.equal(sent[0]!.headers.get("Authorization"), `Bearer ${ADAS_TOKEN}`);
    assert.deepEqual(sent[0]!.body, { token: "secret", of_scope });
  }
});

Deno.test("whatever stands in the way is not found", async () => {
  const gone = () =>
    Response.json({ code: "NOT_FOUND", message: "There is no such invitation.", hint: "{}" }, { status: 404 });
  const { status, body } = await call(acceptMembership, { token: "used" }, { [RPC]: gone });
  assert.equal(status, 404);
  assert.deepEqual(body, { code: "NOT_FOUND", message: "There is no such invitation.", extensions: {} });
});

Deno.test("what cannot be a token or a scope is not asked about", async () => {
  for (const token of ["x".repeat(201), "a\0b"]) {
    const { status, body, sent } = await call(acceptMembership, { token });
    assert.deepEqual([status, body.code, sent.length], [404, "NOT_FOUND", 0]);
  }
  for (const input of [{ token: "" }, { token: 7 }, {}, { token: "x", scope: "a b" }, { token: "x", scope: null }]) {
    const { status, body, sent } = await call(acceptMembership, input);
    assert.deepEqual([status, body.code, sent.length], [400, "BAD_USER_INPUT", 0]);
  }
});
