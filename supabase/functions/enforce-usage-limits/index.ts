import { endpoint } from "../_shared/endpoint.ts";
import { servicesOf } from "../_shared/services.ts";
import { settingsOf } from "../_shared/settings.ts";
import { enforceUsageLimits } from "./handler.ts";

Deno.serve(endpoint(enforceUsageLimits, servicesOf(settingsOf("enforce-usage-limits"))));
