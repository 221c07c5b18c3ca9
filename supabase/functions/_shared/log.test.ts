import assert from "node:assert/strict";
import { hide, inRequest, line, requestId, withRequestId } from "./log.ts";

function request(headers: Record<string, string> = {}): Request {
  return new Request("http://functions.test/invite-collaborator/more?x=1", { headers });
}

Deno.test("a line is JSON with its time, level, function, request and what happened", () => {
  const text = inRequest(
    request({ "x-request-id": "abc-1" }),
    () => line("warn", "late", { seconds: 3, of: { a: [1n] } }),
  );
  const { time, ...rest } = JSON.parse(text);
  assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual(rest, {
    level: "warn",
    function: "invite-collaborator",
    request_id: "abc-1",
    message: "late",
    seconds: 3,
    of: { a: ["1"] },
  });
});

Deno.test("fields do not take the place of what every line has, and nothing makes two lines of one", () => {
  const fields = { level: "info", time: "x", function: "y", request_id: "z", message: "m", more: "a\nb\u2028" };
  const text = inRequest(request({ "x-request-id": "abc-1" }), () => line("error", "one\ntwo", fields));
  const { time, ...rest } = JSON.parse(text);
  assert.ok(!text.includes("\n"));
  assert.notEqual(time, "x");
  assert.deepEqual(rest, {
    level: "error",
    function: "invite-collaborator",
    request_id: "abc-1",
    message: "one\ntwo",
    more: "a\nb\u2028",
  });
});

Deno.test("an id that is none, or not there, is made anew", () => {
  const made = new Set<string>();
  for (const id of ["", 'a"b', "a b", "x".repeat(200), "<script>", "-a"]) {
    made.add(inRequest(request(id ? { "x-request-id": id } : {}), () => requestId()!));
  }
  assert.equal(made.size, 6);
  for (const id of made) assert.match(id, /^[0-9a-f-]{36}$/);
  assert.equal(requestId(), undefined);
});

Deno.test("requests at the same time keep their ids apart, behind their answers too", async () => {
  const seen = await Promise.all(
    ["a", "b", "c"].map((id) =>
      inRequest(request({ "x-request-id": id }), async () => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        return JSON.parse(line("info", "x")).request_id;
      })
    ),
  );
  assert.deepEqual(seen, ["a", "b", "c"]);
});

Deno.test("secrets are in no line, wherever they stand", () => {
  const secret = 'own "secret"\\ 0123';
  hide([secret, "short", ""]);
  const token = `eyJhbGciOiJFUzI1NiJ9.${btoa("{}").replaceAll("=", "")}.c2ln`;
  const error = new Error(`cannot reach https://x?key=${secret}`, { cause: new Error(token) });
  const text = line("error", `refused ${secret}`, { error, short: "short", [secret]: "sb_secret_abc_123", token });
  const told = JSON.parse(text);
  for (const part of [JSON.stringify(secret).slice(1, -1), secret, token, "sb_secret_abc"]) {
    assert.ok(!text.includes(part));
  }
  assert.equal(told.message, "refused [secret]");
  assert.equal(told.short, "short");
  assert.equal(told.error.message, "cannot reach https://x?key=[secret]");
  assert.equal(told.error.cause.message, "[secret]");
});

Deno.test("what cannot be JSON, or is too long for the platform, is still a line", () => {
  const itself: Record<string, unknown> = {};
  itself.self = itself;
  assert.equal(JSON.parse(line("info", "x", { itself })).itself.self, "[itself]");
  assert.ok(line("info", "x", { text: "y".repeat(50_000) }).length < 3000);
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, number) => [`n${number}`, "y".repeat(1000)]));
  const text = line("info", "x", many);
  assert.ok(text.length < 9000);
  assert.ok(JSON.parse(text).cut > 100_000);
});

Deno.test("calls carry the id of their request", async () => {
  const sent: (string | null)[] = [];
  const fetcher = withRequestId((input, options) => {
    sent.push(new Request(input, options).headers.get("X-Request-Id"));
    return Promise.resolve(new Response());
  });
  await inRequest(request({ "x-request-id": "abc" }), () => fetcher("http://x.test/", { headers: { apikey: "k" } }));
  await inRequest(request({ "x-request-id": "abd" }), () => fetcher(new Request("http://x.test/")));
  await fetcher("http://x.test/");
  assert.deepEqual(sent, ["abc", "abd", null]);
});
