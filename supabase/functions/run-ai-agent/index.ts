import { aiServicesOf } from "../_shared/ai/running.ts";
import { endpoint } from "../_shared/endpoint.ts";
import { settingsOf } from "../_shared/settings.ts";
import { runAiAgent } from "./handler.ts";

Deno.serve(endpoint(runAiAgent, aiServicesOf(settingsOf("run-ai-agent"))));
