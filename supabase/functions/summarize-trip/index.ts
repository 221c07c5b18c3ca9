import { aiServicesOf } from "../_shared/ai/running.ts";
import { endpoint } from "../_shared/endpoint.ts";
import { settingsOf } from "../_shared/settings.ts";
import { summarizeTrip } from "./handler.ts";

Deno.serve(endpoint(summarizeTrip, aiServicesOf(settingsOf("summarize-trip"))));
