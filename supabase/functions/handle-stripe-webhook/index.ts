import { settingsOf } from "../_shared/settings.ts";
import { eventServicesOf } from "../_shared/stripe_events.ts";
import { webhookEndpoint } from "../_shared/webhook.ts";
import { stripeWebhook } from "./handler.ts";

const env = settingsOf("handle-stripe-webhook");
Deno.serve(webhookEndpoint(stripeWebhook(env), eventServicesOf(env)));
