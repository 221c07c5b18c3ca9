import assert from "node:assert/strict";
import { ADAS_TOKEN, call } from "../_shared/testing.ts";
import { acceptInvitation } from "./handler.ts";

const RPC = "POST /rest/v1/rpc/accept_invitation";

Deno.test("gives the collaborator that the database made, as the caller", async () => {
  const collaborator = { id: crypto.randomUUID(), role: "viewer" };
  const { status, body, sent } = await call(acceptInvitation, { token: "secret" }, {
    [RPC]: () => Response.json(collaborator),
  });
  assert.equal(status, 200);
  assert.deepEqual(body, { collaborator });
  assert.equal(sent.length, 1);
  assert.equal(sent[0]!.headers.get("Authorization"), `Bearer ${ADAS_TOKEN}`);
  assert.deepEqual(sent[0]!.body, { token: "secret" });
});

Deno.test("whatever stands in the way is not found", async () => {
  const gone = () =>
    Response.json({ code: "NOT_FOUND", message: "There is no such invitation.", hint: "{}" }, { status: 404 });
  const { status, body } = await call(acceptInvitation, { token: "used" }, { [RPC]: gone });
  assert.equal(status, 404);
  assert.deepEqual(body, { code: "NOT_FOUND", message: "There is no such invitation.", extensions: {} });
});

Deno.test("what cannot be a token is not asked about", async () => {
  for (const token of ["x".repeat(201), "a\0b"]) {
    const { status, body, sent } = await call(acceptInvitation, { token });
    assert.deepEqual([status, body.code, sent.length], [404, "NOT_FOUND", 0]);
  }
  for (const token of [undefined, null, "", 7, ["x"]]) {
    const { status, body, sent } = await call(acceptInvitation, { token });
    assert.deepEqual([status, body.code, sent.length], [400, "BAD_USER_INPUT", 0]);
  }
});
