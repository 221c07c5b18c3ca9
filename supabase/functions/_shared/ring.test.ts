import assert from "node:assert/strict";
import { bellOf } from "./ring.ts";

const KEY = "sb_secret_test_0123456789";
const ENVIRONMENT = { SUPABASE_URL: "http://supabase.test", SUPABASE_SECRET_KEYS: JSON.stringify({ default: KEY }) };

/** Wait until it holds. */
async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    assert.ok(tries < 3000);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

Deno.test("what is rung at once is one call, with the project's key, and later ones are others", async () => {
  const called: string[] = [];
  const bell = bellOf("work", ENVIRONMENT, (input, options) => {
    called.push(`${options?.method} ${input} ${new Headers(options?.headers).get("apikey")}`);
    return Promise.resolve(new Response("{}", { status: 202 }));
  });
  for (let times = 0; times < 5; times++) bell.ring();
  await until(() => called.length > 0);
  bell.ring();
  await until(() => called.length > 1);
  assert.deepEqual(called, Array(2).fill(`POST http://supabase.test/functions/v1/work ${KEY}`));
});

Deno.test("nobody is disturbed where nobody answers", async () => {
  let called = 0;
  const bell = bellOf("work", ENVIRONMENT, () => {
    called += 1;
    return called === 1
      ? Promise.reject(new TypeError("refused"))
      : Promise.resolve(new Response(null, { status: 404 }));
  });
  bell.ring();
  await until(() => called === 1);
  bell.ring();
  await until(() => called === 2);
});
