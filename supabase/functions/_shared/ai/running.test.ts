import assert from "node:assert/strict";
import { settingsOf } from "../settings.ts";
import { aiServicesOf } from "./running.ts";
import { ENVIRONMENT } from "./testing.ts";

function services(changes: Record<string, string> = {}) {
  return aiServicesOf(settingsOf("run-ai-agent", { ...ENVIRONMENT, ...changes }));
}

Deno.test("settings have defaults, and say which of them makes no sense", () => {
  assert.equal(services().limits.deltaMs, 200);
  assert.equal(services().embeddingModel, "text-embedding-3-small");
  assert.equal(services({ AI_DELTA_MILLISECONDS: "50" }).limits.deltaMs, 50);
  for (const value of ["0", "19", "5001", "2e2.5", "fast", "100ms", "-1", "20.5"]) {
    const wrong = () => services({ AI_DELTA_MILLISECONDS: value });
    assert.throws(wrong, /AI_DELTA_MILLISECONDS must be a whole number from 20 to 5000\./, value);
  }
  assert.throws(() => services({ AI_BASE_URL: "http://models.example/v1" }), /AI_BASE_URL must begin with https/);
  assert.throws(() => services({ AI_API_KEY: "" }), /AI_API_KEY is not set/);
});
