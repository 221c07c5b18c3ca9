import { adminOf } from "../_shared/admin.ts";
import { settingsOf } from "../_shared/settings.ts";
import { stripeOf } from "../_shared/stripe.ts";
import { taskEndpoint } from "../_shared/tasks.ts";
import { deleteExternalCustomer } from "./handler.ts";

const env = settingsOf("delete-external-customer");
const services = { stripe: stripeOf(env) };
Deno.serve(taskEndpoint({ delete_external_customer: deleteExternalCustomer }, services, adminOf(env), env));
