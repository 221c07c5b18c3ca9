import assert from "node:assert/strict";
import type { Handler } from "../_shared/endpoint.ts";
import type { Services } from "../_shared/services.ts";
import { ADAS_TOKEN, type Answers, call } from "../_shared/testing.ts";
import { triggerAutomation } from "./handler.ts";

const RULE = "ada00000-0000-4000-8009-000000000001";
const RPC = "POST /rest/v1/rpc/trigger_automation";
const RESULT = { matched: true, action: "notify" };

async function ask(body: unknown, answers: Answers = { [RPC]: () => Response.json(RESULT) }) {
  let rung = 0;
  const messages = { ring: () => void rung++ };
  const handler: Handler<Services> = (input, caller, services) =>
    triggerAutomation(input, caller, { ...services, messages, wake: () => {} });
  return { ...await call(handler, body, answers), rung };
}

Deno.test("a rule is tried as the caller, and does nothing unless it is told to", async () => {
  for (const [given, dry_run] of [[{}, true], [{ dry_run: true }, true], [{ dry_run: false }, false]] as const) {
    const { status, body, sent, rung } = await ask({ rule_id: RULE, ...given });
    assert.deepEqual([status, body, sent[0]!.body], [200, { result: RESULT }, { rule: RULE, dry_run }]);
    assert.equal(sent[0]!.headers.get("Authorization"), `Bearer ${ADAS_TOKEN}`);
    assert.equal(rung, dry_run ? 0 : 1);
  }
});

const wrong: [string, object, string][] = [
  ["nothing", {}, "rule_id"],
  ["no id", { rule_id: "first" }, "rule_id"],
  ["neither yes nor no", { rule_id: RULE, dry_run: "no" }, "dry_run"],
];
for (const [what, body, field] of wrong) {
  Deno.test(`what is wrong is named before anybody is asked: ${what}`, async () => {
    const { status, body: { code, extensions }, sent } = await ask(body);
    assert.deepEqual([status, code, extensions, sent], [400, "BAD_USER_INPUT", { field }, []]);
  });
}

Deno.test("somebody else's rule is none", async () => {
  const refusal = { code: "NOT_FOUND", message: "There is no such rule.", hint: '{"field":"rule"}', details: null };
  const { status, body } = await ask({ rule_id: RULE }, { [RPC]: () => Response.json(refusal, { status: 400 }) });
  assert.deepEqual([status, body.code, body.extensions], [404, "NOT_FOUND", { field: "rule_id" }]);
});
