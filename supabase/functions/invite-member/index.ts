import { endpoint } from "../_shared/endpoint.ts";
import { servicesOf } from "../_shared/services.ts";
import { settingsOf } from "../_shared/settings.ts";
import { inviteMember } from "./handler.ts";

Deno.serve(endpoint(inviteMember, servicesOf(settingsOf("invite-member"))));
