// GET hub.mode, hub.verify_token, hub.challenge → 200 the challenge
// POST a signed body → 200 { received, ignored, malformed }
//
// What Meta tells: statuses, answers, numbers that changed, who wants no marketing. 403 for what is forged, and then nothing is kept. Each part is
// written by itself, once however often it comes and in whatever order; 503 where one could not be written, so that Meta
// tells all of it again, for days.

import type { SupabaseClient } from "npm:@supabase/supabase-js@2.119.0";
import { adminOf } from "../_shared/admin.ts";
import { ApiError, databaseError } from "../_shared/errors.ts";
import { log } from "../_shared/log.ts";
import { isOneOf } from "../_shared/same.ts";
import type { Environment } from "../_shared/settings.ts";
import { signs } from "../_shared/signatures.ts";
import type { Webhook } from "../_shared/webhook.ts";
import { eventsOf, type WhatsappEvent } from "../_shared/whatsapp/events.ts";
import { senderOf } from "../_shared/whatsapp/graph.ts";

export interface WebhookServices {
  admin: SupabaseClient;
}

// As Meta sends them at most.
const MAX_BYTES = 3 * 1024 * 1024;
const AT_ONCE = 8;

export function webhookServicesOf(env: Environment): WebhookServices {
  return { admin: adminOf(env) };
}

/** Throws an Error where the settings make no sense: of another number nothing would be heard, STOP neither. */
export function whatsappWebhook(env: Environment): Webhook<WebhookServices> {
  const sender = senderOf(env);
  return {
    maxBytes: MAX_BYTES,
    unsigned: "FORBIDDEN",
    isSigned: (body, headers) => signs(body, headers.get("X-Hub-Signature-256"), [env.WHATSAPP_APP_SECRET ?? ""]),
    challenge: (query) => {
      const agreed = isOneOf(query.get("hub.verify_token"), [env.WHATSAPP_VERIFY_TOKEN]);
      const challenge = query.get("hub.challenge") ?? "";
      return agreed && query.get("hub.mode") === "subscribe" && /^[\w.-]{1,200}$/.test(challenge) ? challenge : null;
    },
    receive: async (body, services) => {
      const { events, malformed, ignored, elsewhere } = eventsOf(body, sender);
      if (elsewhere > 0) log.warn("what Meta told is for a number that is not WHATSAPP_PHONE_NUMBER_ID", { elsewhere });
      if (malformed > 0) log.warn("parts of what Meta told are in no form", { malformed });
      const refused = await recordAll(events, services);
      return { body: { received: events.length - refused, ignored, malformed: malformed + refused } };
    },
  };
}

/** Write all, and say how many the database does not take. Throws ApiError where one could not be written now. */
async function recordAll(events: WhatsappEvent[], { admin }: WebhookServices): Promise<number> {
  const queue = events.values();
  let refused = 0;
  let failed = 0;
  const work = async () => {
    for (const event of queue) {
      const { error } = await record(event, admin);
      if (!error) continue;
      const told = databaseError(error);
      log.error("an event was not written", { event: event.type, code: told.code });
      // What the database cannot take will be no other the next time.
      if (told.code === "BAD_USER_INPUT") refused += 1;
      else failed += 1;
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, events.length) }, work));
  if (failed > 0) throw new ApiError("UPSTREAM_UNAVAILABLE", "Not all of it could be written. Tell it again.");
  return refused;
}

function record(event: WhatsappEvent, admin: SupabaseClient) {
  switch (event.type) {
    case "status":
      return admin.rpc("record_whatsapp_status", {
        wamid: event.wamid,
        message: event.message,
        status: event.status,
        occurred_at: event.at,
        error_code: event.errorCode,
        pricing: event.pricing,
      });
    case "inbound":
      return admin.rpc("record_whatsapp_inbound", {
        wamid: event.wamid,
        phone: event.phone,
        bsuid: event.bsuid,
        profile_name: event.name,
        body: event.text,
        at: event.at,
        context_wamid: event.context,
      });
    case "marketing_stop":
      return admin.rpc("record_whatsapp_marketing_stop", { phone: event.phone, bsuid: event.bsuid, at: event.at });
    case "number_change":
      return admin.rpc("record_whatsapp_number_change", {
        old_phone: event.phone,
        new_phone: event.newPhone,
        bsuid: event.newBsuid,
        at: event.at,
        ...event.bsuid === null ? {} : { old_bsuid: event.bsuid },
      });
  }
}
