import { settingsOf } from "../_shared/settings.ts";
import { webhookEndpoint } from "../_shared/webhook.ts";
import { webhookServicesOf, whatsappWebhook } from "./handler.ts";

const env = settingsOf("handle-whatsapp-webhook");
Deno.serve(webhookEndpoint(whatsappWebhook(env), webhookServicesOf(env)));
