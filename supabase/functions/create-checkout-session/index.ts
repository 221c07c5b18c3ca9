import { endpoint } from "../_shared/endpoint.ts";
import { payingServicesOf } from "../_shared/paying.ts";
import { settingsOf } from "../_shared/settings.ts";
import { createCheckoutSession } from "./handler.ts";

Deno.serve(endpoint(createCheckoutSession, payingServicesOf(settingsOf("create-checkout-session"))));
