import { adminOf } from "../_shared/admin.ts";
import { databaseError } from "../_shared/errors.ts";
import { settingsOf } from "../_shared/settings.ts";
import { signs } from "../_shared/signatures.ts";
import { webhookEndpoint } from "../_shared/webhook.ts";

const env = settingsOf("hook");

// Keeps each event once, by its own id.
Deno.serve(webhookEndpoint({
  maxBytes: 1000,
  seconds: 1,
  isSigned: (body, headers) => signs(body, headers.get("X-Signature"), [env.HOOK_SECRET ?? ""]),
  receive: async (event, admin) => {
    const { data, error } = await admin.rpc("receive_event", { id: event.id, event });
    if (error) throw databaseError(error);
    return { body: { first: data } };
  },
}, adminOf(env)));
