import { adminOf } from "../_shared/admin.ts";
import { peopleAndTasksEndpoint } from "../_shared/people_and_tasks.ts";
import { bellOf } from "../_shared/ring.ts";
import { servicesOf } from "../_shared/services.ts";
import { settingsOf } from "../_shared/settings.ts";
import { runAutomation, triggerAutomation } from "./handler.ts";

const env = settingsOf("trigger-automation");
const admin = adminOf(env);
const services = { ...servicesOf(env), admin, messages: bellOf("send-whatsapp-message", env) };
Deno.serve(peopleAndTasksEndpoint(triggerAutomation, { run_automation: runAutomation }, services, admin, env));
