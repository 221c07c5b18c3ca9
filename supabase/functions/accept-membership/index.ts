import { endpoint } from "../_shared/endpoint.ts";
import { servicesOf } from "../_shared/services.ts";
import { settingsOf } from "../_shared/settings.ts";
import { acceptMembership } from "./handler.ts";

Deno.serve(endpoint(acceptMembership, servicesOf(settingsOf("accept-membership"))));
