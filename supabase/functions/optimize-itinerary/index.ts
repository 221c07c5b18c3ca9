import { aiServicesOf } from "../_shared/ai/running.ts";
import { endpoint } from "../_shared/endpoint.ts";
import { settingsOf } from "../_shared/settings.ts";
import { optimizeItinerary } from "./handler.ts";

Deno.serve(endpoint(optimizeItinerary, aiServicesOf(settingsOf("optimize-itinerary"))));
