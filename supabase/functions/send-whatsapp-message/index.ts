import { adminOf } from "../_shared/admin.ts";
import { peopleAndTasksEndpoint } from "../_shared/people_and_tasks.ts";
import { servicesOf } from "../_shared/services.ts";
import { settingsOf } from "../_shared/settings.ts";
import { Graph } from "../_shared/whatsapp/graph.ts";
import { sendWhatsapp } from "../_shared/whatsapp/sending.ts";
import { sendWhatsappMessage } from "./handler.ts";

const env = settingsOf("send-whatsapp-message");
const admin = adminOf(env);
const services = { ...servicesOf(env), admin, graph: new Graph(env) };
// What is being sent when the platform ends a process is unknown from then on: so it ends by itself, long before the time of
// the CPU is used up, which some hundred messages take.
const limits = { claimSeconds: 40, endSeconds: 80 };
Deno.serve(peopleAndTasksEndpoint(sendWhatsappMessage, { send_whatsapp: sendWhatsapp }, services, admin, env, limits));
