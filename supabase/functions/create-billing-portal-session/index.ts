import { endpoint } from "../_shared/endpoint.ts";
import { payingServicesOf } from "../_shared/paying.ts";
import { settingsOf } from "../_shared/settings.ts";
import { createBillingPortalSession } from "./handler.ts";

Deno.serve(endpoint(createBillingPortalSession, payingServicesOf(settingsOf("create-billing-portal-session"))));
