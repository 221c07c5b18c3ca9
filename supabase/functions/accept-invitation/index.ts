import { endpoint } from "../_shared/endpoint.ts";
import { servicesOf } from "../_shared/services.ts";
import { settingsOf } from "../_shared/settings.ts";
import { acceptInvitation } from "./handler.ts";

Deno.serve(endpoint(acceptInvitation, servicesOf(settingsOf("accept-invitation"))));
