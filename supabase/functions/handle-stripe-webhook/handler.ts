// POST a signed event → 200 { received: true, became: "done" | "ignored" | "waiting" | "known" }
//
// What Stripe tells. 400 for what is forged, stale, too long, or of the other mode, and then nothing is kept. Anything but a
// 2xx has Stripe tell it again, and so it does what it told while nothing else was done.

import { ApiError } from "../_shared/errors.ts";
import type { Environment } from "../_shared/settings.ts";
import { Stripe } from "../_shared/stripe.ts";
import { type EventServices, receive, type Told } from "../_shared/stripe_events.ts";
import type { Webhook } from "../_shared/webhook.ts";

const TOLERANCE_SECONDS = 300;
// What is checked by a secret of the webhook's needs no key.
const { webhooks } = new Stripe("sk_test_of_nobody");

export function stripeWebhook(env: Environment): Webhook<EventServices> {
  // While one is exchanged for another both hold.
  const secrets = [env.STRIPE_WEBHOOK_SECRET ?? "", env.STRIPE_WEBHOOK_SECRET_OLD ?? ""].filter((each) => each !== "");
  return {
    maxBytes: 1024 * 1024,
    tooLong: "BAD_USER_INPUT",
    unsigned: "BAD_USER_INPUT",
    isSigned: (body, headers) => isSigned(body, headers.get("Stripe-Signature"), secrets),
    receive: async (event, services) => ({
      body: { received: true, became: await receive(toldOf(event, services.live), services) },
    }),
  };
}

async function isSigned(body: Uint8Array, header: string | null, secrets: readonly string[]): Promise<boolean> {
  if (header === null) return false;
  for (const secret of secrets) {
    try {
      await webhooks.constructEventAsync(body, header, secret, TOLERANCE_SECONDS);
      return true;
    } catch {
      // Of another secret, stale, or in no form at all: whatever it is, it is not taken.
    }
  }
  return false;
}

/** The event, whose form is Stripe's. Throws ApiError for anything else, and for one of the other mode. */
function toldOf(event: Record<string, unknown>, live: boolean): Told {
  const { id, type, livemode, data } = event as Partial<Told>;
  const isEvent = typeof id === "string" && /^evt_\w{1,250}$/.test(id) && typeof type === "string" &&
    /^[a-z0-9_.]{1,255}$/.test(type) && typeof livemode === "boolean" && typeof data?.object === "object" &&
    data.object !== null;
  if (!isEvent) throw new ApiError("BAD_USER_INPUT", "This is no event of Stripe.");
  if (livemode !== live) {
    throw new ApiError("BAD_USER_INPUT", `Events of ${live ? "live" : "test"} mode are taken here.`);
  }
  return event as unknown as Told;
}
