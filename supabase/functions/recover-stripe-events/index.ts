import { serviceEndpoint } from "../_shared/service.ts";
import { settingsOf } from "../_shared/settings.ts";
import { eventServicesOf } from "../_shared/stripe_events.ts";
import { recoverStripeEvents } from "./handler.ts";

const env = settingsOf("recover-stripe-events");
Deno.serve(serviceEndpoint(recoverStripeEvents, eventServicesOf(env), env));
