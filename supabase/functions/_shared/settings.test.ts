import assert from "node:assert/strict";
import { line } from "./log.ts";
import { type Environment, settingsOf } from "./settings.ts";

const ENVIRONMENT = { MAIL_URL: "https://mail.example/send", SUPABASE_URL: "http://kong:8000" };

Deno.test("a function starts with its settings and the defaults of those that are not set", () => {
  assert.deepEqual(settingsOf("invite-collaborator", ENVIRONMENT), {
    ...ENVIRONMENT,
    CRON_SECRET: undefined,
    MAIL_TOKEN: undefined,
    SITE_URL: "http://127.0.0.1:3000",
  });
  const given = settingsOf("invite-collaborator", { ...ENVIRONMENT, SITE_URL: "https://trips.example" });
  assert.equal(given.SITE_URL, "https://trips.example");
});

Deno.test("one that is missing or wrong stops the start, with all that is, what to do, and no value", () => {
  const told = (env: Environment): string[] => {
    try {
      settingsOf("invite-collaborator", env);
    } catch (error) {
      return (error as Error).message.split("\n");
    }
    return [];
  };
  const first = "The settings of invite-collaborator do not allow a start.";
  const last = "Set them with `supabase secrets set NAME=value`, and on your machine in supabase/functions/.env.";
  for (const env of [{}, { MAIL_URL: "" }] as Environment[]) {
    assert.deepEqual(told(env), [first, "MAIL_URL is not set: Takes each mail by POST.", last]);
  }
  assert.deepEqual(told({ MAIL_URL: "http://mail.example/hunter2", CRON_SECRET: "hunter2" }), [
    first,
    "CRON_SECRET is too short: it has at least 16 characters.",
    "MAIL_URL must begin with https://, unless it leads to this machine (localhost, 127.0.0.1, [::1]).",
    last,
  ]);
});

Deno.test("what others need is not asked of a function", () => {
  settingsOf("accept-invitation", {});
});

Deno.test("from its start on no secret is in the log", () => {
  const secrets = {
    MAIL_TOKEN: "postage-0123",
    CRON_SECRET: "cron-0123456789-x",
    SUPABASE_SERVICE_ROLE_KEY: "role-key-012",
  };
  const keys = { SUPABASE_SECRET_KEYS: '{"default":"own-form-of-key"}', SUPABASE_DB_URL: "postgres://x:hunter22@db/x" };
  settingsOf("accept-invitation", { ...secrets, ...keys });
  for (const secret of [...Object.values(secrets), "own-form-of-key", keys.SUPABASE_DB_URL]) {
    assert.equal(JSON.parse(line("info", `sent ${secret} there`)).message, "sent [secret] there");
  }
});
