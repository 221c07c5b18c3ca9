import { endpoint } from "../_shared/endpoint.ts";
import { servicesOf } from "../_shared/services.ts";
import { settingsOf } from "../_shared/settings.ts";
import { inviteCollaborator } from "./handler.ts";

Deno.serve(endpoint(inviteCollaborator, servicesOf(settingsOf("invite-collaborator"))));
