import { aiServicesOf } from "../_shared/ai/running.ts";
import { endpoint } from "../_shared/endpoint.ts";
import { settingsOf } from "../_shared/settings.ts";
import { searchAiMemories } from "./handler.ts";

Deno.serve(endpoint(searchAiMemories, aiServicesOf(settingsOf("search-ai-memories"))));
