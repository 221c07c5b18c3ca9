import assert from "node:assert/strict";
import { ADA, ADAS_TOKEN, call, ENVIRONMENT, tokenOf } from "./testing.ts";
import type { Handler } from "./endpoint.ts";
import { ApiError, databaseError } from "./errors.ts";
import { hashOf, newSecret } from "./secret.ts";
import { type Services, servicesOf } from "./services.ts";

const echo: Handler<Services> = (input, caller) => Promise.resolve({ body: { input, id: caller.id } });

Deno.test("a preflight needs no token", async () => {
  const { status, headers } = await call(echo, "", {}, { method: "OPTIONS", headers: {}, body: undefined });
  assert.equal(status, 204);
  assert.equal(headers.get("Access-Control-Allow-Origin"), "*");
  assert.match(headers.get("Access-Control-Allow-Headers") ?? "", /authorization/);
});

Deno.test("every answer can be read by a page of another origin", async () => {
  for (const init of [{}, { headers: {} }, { method: "GET", body: undefined }]) {
    assert.equal((await call(echo, {}, {}, init)).headers.get("Access-Control-Allow-Origin"), "*");
  }
});

Deno.test("only people may call", async () => {
  const anon = tokenOf({ role: "anon" });
  const service = tokenOf({ role: "service_role" });
  for (
    const authorization of [
      "",
      "Bearer",
      "Bearer x",
      "Bearer a.b.c",
      "Basic eDp5",
      `Bearer ${anon}`,
      `Bearer ${service}`,
    ]
  ) {
    const { status, body } = await call(echo, {}, {}, { headers: { Authorization: authorization } });
    assert.deepEqual([status, body.code], [401, "UNAUTHENTICATED"], authorization);
  }
});

Deno.test("the body is a JSON object of some kilobytes", async () => {
  for (const body of ["", "{", "[]", "null", '"text"', `{"a":"${"x".repeat(65 * 1024)}"}`]) {
    const answer = await call(echo, body);
    assert.deepEqual([answer.status, answer.body.code], [400, "BAD_USER_INPUT"], body.slice(0, 20));
  }
});

Deno.test("other methods are refused", async () => {
  const { status, body } = await call(echo, "", {}, { method: "GET", body: undefined });
  assert.deepEqual([status, body.code], [405, "METHOD_NOT_ALLOWED"]);
});

Deno.test("a failure of the program tells nothing of itself", async () => {
  const broken: Handler<Services> = () => Promise.reject(new Error("password=hunter2"));
  const { status, body } = await call(broken, {});
  assert.equal(status, 500);
  assert.deepEqual(body, { code: "INTERNAL_SERVER_ERROR", message: "Something went wrong.", extensions: {} });
});

Deno.test("a code that is not of the list is a failure of the program", async () => {
  for (const code of ["OWN_CODE", "toString", ""]) {
    const broken: Handler<Services> = () => Promise.reject(new ApiError(code as "CONFLICT", "password=hunter2"));
    const { status, body } = await call(broken, {});
    assert.deepEqual([status, body.code, body.message], [500, "INTERNAL_SERVER_ERROR", "Something went wrong."]);
  }
});

Deno.test("failures of the database are classified by their code", () => {
  const code = (code?: string) => databaseError({ code, message: "no" }).code;
  assert.equal(code("42501"), "FORBIDDEN");
  assert.equal(code("PT401"), "UNAUTHENTICATED");
  assert.equal(code("PT404"), "NOT_FOUND");
  // Without a reason it cannot be told: own functions refuse by the helper.
  assert.equal(code("PT409"), "INTERNAL_SERVER_ERROR");
  assert.deepEqual(databaseError({ code: "23505", message: "no" }).extensions, { reason: "ALREADY_EXISTS" });
  for (const sqlstate of ["40001", "40P01"]) {
    const { code, extensions, status } = databaseError({ code: sqlstate, message: "no" });
    assert.deepEqual([code, extensions, status], ["CONFLICT", { reason: "WRITTEN_AT_ONCE" }, 409]);
  }
  assert.equal(code("PT429"), "RATE_LIMITED");
  assert.equal(code("PGRST301"), "UNAUTHENTICATED");
  assert.equal(code("23505"), "CONFLICT");
  assert.equal(code("23514"), "BAD_USER_INPUT");
  assert.equal(code("22P02"), "BAD_USER_INPUT");
  assert.equal(code("57014"), "TIMEOUT");
  assert.equal(code("PGRST001"), "UPSTREAM_UNAVAILABLE");
  assert.equal(code(""), "UPSTREAM_UNAVAILABLE");
  assert.equal(code("XX000"), "INTERNAL_SERVER_ERROR");
  assert.ok(databaseError({ code: "PT404", message: "x" }) instanceof ApiError);
});

Deno.test("what a function of the database refuses is passed on as it is said", () => {
  const { code, message, extensions, status } = databaseError({
    code: "PLAN_FULL",
    message: "The plan has no seat left.",
    hint: '{"seats":5}',
  });
  assert.deepEqual([code, message, extensions, status], ["PLAN_FULL", "The plan has no seat left.", { seats: 5 }, 409]);
});

Deno.test("what only looks like a refusal of the database is none", () => {
  for (const hint of [null, undefined, "", "Wait.", "[]", "null", "7"]) {
    assert.equal(databaseError({ code: "PLAN_FULL", message: "x", hint }).code, "INTERNAL_SERVER_ERROR", String(hint));
  }
  assert.equal(databaseError({ code: "toString", message: "x", hint: "{}" }).code, "INTERNAL_SERVER_ERROR");
});

Deno.test("secrets differ, fit a URL, and hash as the database hashes them", async () => {
  const secrets = new Set(Array.from({ length: 100 }, newSecret));
  assert.equal(secrets.size, 100);
  for (const secret of secrets) assert.match(secret, /^[A-Za-z0-9_-]{43}$/);
  assert.equal(await hashOf("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

Deno.test("the database is asked with a publishable key, or the legacy one where there is none", async () => {
  const keys = [
    [{}, "sb_publishable_test"],
    [{ SUPABASE_PUBLISHABLE_KEYS: '{"web":"sb_publishable_web"}' }, "sb_publishable_web"],
    [{ SUPABASE_PUBLISHABLE_KEYS: undefined, SUPABASE_ANON_KEY: "anon" }, "anon"],
  ] as const;
  for (const [changes, key] of keys) {
    let sent = new Headers();
    const { database } = servicesOf({ ...ENVIRONMENT, ...changes }, (input, options) => {
      sent = new Request(input, options).headers;
      return Promise.resolve(Response.json([]));
    });
    await database({ id: ADA, email: null, token: ADAS_TOKEN }).from("trips").select();
    assert.deepEqual([sent.get("apikey"), sent.get("Authorization")], [key, `Bearer ${ADAS_TOKEN}`]);
  }
});

Deno.test("a function without its settings does not start", () => {
  for (const name of ["SUPABASE_URL", "SUPABASE_PUBLISHABLE_KEYS"]) {
    assert.throws(() => servicesOf({ ...ENVIRONMENT, [name]: undefined }), /SUPABASE_\w+ is not set/);
  }
});
