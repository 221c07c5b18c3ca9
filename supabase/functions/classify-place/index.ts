import { aiServicesOf } from "../_shared/ai/running.ts";
import { endpoint } from "../_shared/endpoint.ts";
import { settingsOf } from "../_shared/settings.ts";
import { classifyPlace } from "./handler.ts";

Deno.serve(endpoint(classifyPlace, aiServicesOf(settingsOf("classify-place"))));
