import assert from "node:assert/strict";
import { isOneOf } from "./same.ts";
import { serviceEndpoint, type ServiceHandler } from "./service.ts";
import { tokenOf } from "./testing.ts";

const KEY = "sb_secret_test_0123456789";
const LEGACY = tokenOf({ role: "service_role" });
const CRON = "cron-secret-0123456789";
const ENVIRONMENT = {
  SUPABASE_SECRET_KEYS: JSON.stringify({ default: KEY, other: "sb_secret_other_012345" }),
  SUPABASE_SERVICE_ROLE_KEY: LEGACY,
  CRON_SECRET: CRON,
};
const echo: ServiceHandler<string> = (input, services) => Promise.resolve({ status: 202, body: { input, services } });

async function call(
  headers: Record<string, string>,
  { env = ENVIRONMENT, ...init }: RequestInit & { env?: Record<string, string | undefined> } = {},
): Promise<{ status: number; headers: Headers; body: Record<string, unknown> }> {
  const request = new Request("http://functions.test/clean-up", { method: "POST", body: "{}", ...init, headers });
  const response = await serviceEndpoint(echo, "services", env)(request);
  return { status: response.status, headers: response.headers, body: await response.json() };
}

Deno.test("the secret key opens it, the legacy one, and cron's secret", async () => {
  const shown: Record<string, string>[] = [
    { apikey: KEY },
    { apikey: "sb_secret_other_012345" },
    { apikey: LEGACY },
    { Authorization: `Bearer ${KEY}` },
    { Authorization: `bearer ${LEGACY}` },
    { apikey: "sb_publishable_x", Authorization: `Bearer ${LEGACY}` },
    { "x-cron-secret": CRON },
    { "X-Cron-Secret": CRON, apikey: "sb_publishable_x" },
  ];
  for (const headers of shown) {
    assert.deepEqual((await call(headers)).body, { input: {}, services: "services" }, JSON.stringify(headers));
  }
});

Deno.test("nothing else does, and whoever may not call learns nothing but that", async () => {
  const shown: Record<string, string>[] = [
    {},
    { apikey: "" },
    { apikey: "sb_publishable_x" },
    { apikey: `${KEY}x` },
    { apikey: KEY.slice(0, -1) },
    { apikey: CRON },
    { apikey: "undefined" },
    { Authorization: KEY },
    { Authorization: `Basic ${KEY}` },
    { Authorization: `Bearer ${CRON}` },
    { Authorization: `Bearer ${tokenOf({ role: "service_role", iat: 1 })}` },
    { Authorization: `Bearer ${tokenOf({ role: "authenticated", sub: "x" })}` },
    { "x-cron-secret": KEY },
    { "x-cron-secret": "" },
    { "x-cron-secret": `${CRON}x` },
  ];
  for (const headers of shown) {
    for (
      const init of [{}, { method: "GET", body: undefined }, { method: "OPTIONS", body: undefined }, { body: "{" }]
    ) {
      const { status, body } = await call(headers, init);
      assert.deepEqual([status, body.code], [401, "UNAUTHENTICATED"], JSON.stringify([headers, init]));
    }
  }
});

Deno.test("without a cron secret nobody has it", async () => {
  for (const secret of [undefined, ""]) {
    for (const shown of ["", "undefined", "null"]) {
      const env = { ...ENVIRONMENT, CRON_SECRET: secret };
      assert.equal((await call({ "x-cron-secret": shown }, { env })).status, 401);
    }
  }
  const bare = { SUPABASE_SECRET_KEYS: undefined, SUPABASE_SERVICE_ROLE_KEY: undefined, CRON_SECRET: undefined };
  assert.equal((await call({ apikey: "", Authorization: "Bearer undefined" }, { env: bare })).status, 401);
});

Deno.test("it takes a JSON object by POST, or nothing, which is an empty one", async () => {
  const apikey = { apikey: KEY };
  assert.deepEqual((await call(apikey, { body: "" })).body, { input: {}, services: "services" });
  assert.equal((await call(apikey, { body: "[]" })).body.code, "BAD_USER_INPUT");
  assert.equal((await call(apikey, { body: `{"a":"${"x".repeat(70_000)}"}` })).status, 413);
  assert.equal((await call(apikey, { method: "GET", body: undefined })).status, 405);
  assert.equal((await call(apikey, { method: "OPTIONS", body: undefined })).status, 405);
});

Deno.test("no page of another origin reads its answers", async () => {
  const shown: Record<string, string>[] = [{ apikey: KEY }, {}];
  for (const headers of shown) {
    assert.equal(
      (await call({ ...headers, Origin: "https://x.example" })).headers.get("Access-Control-Allow-Origin"),
      null,
    );
  }
});

Deno.test("nothing is like no secret", () => {
  assert.ok(isOneOf("b", ["a", "b", null]));
  for (const value of ["", null, undefined, "c"]) assert.ok(!isOneOf(value, ["a", "", null, undefined]), String(value));
});
