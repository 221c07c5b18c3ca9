import { endpoint } from "../_shared/endpoint.ts";
import { servicesOf } from "../_shared/services.ts";
import { inviteCollaborator } from "./handler.ts";

Deno.serve(endpoint(inviteCollaborator, servicesOf(Deno.env.toObject())));
