import { endpoint } from "../_shared/endpoint.ts";
import { servicesOf } from "../_shared/services.ts";
import { acceptInvitation } from "./handler.ts";

Deno.serve(endpoint(acceptInvitation, servicesOf(Deno.env.toObject())));
