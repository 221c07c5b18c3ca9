import { adminOf } from "../_shared/admin.ts";
import { ApiError, databaseError } from "../_shared/errors.ts";
import { log } from "../_shared/log.ts";
import { serviceEndpoint } from "../_shared/service.ts";
import { settingsOf } from "../_shared/settings.ts";

const env = settingsOf("job");

// Tells what reaches the database of the request, or fails as it is told.
Deno.serve(serviceEndpoint(async ({ fail, say }, admin) => {
  if (fail === "refuse") throw new ApiError("PLAN_FULL", "The plan has no seat left.", { seats: 5 });
  if (fail === "break") throw new Error(`broken by ${env.CRON_SECRET}`);
  if (say) log.info("said", { say, secret: env.CRON_SECRET, key: env.SUPABASE_SECRET_KEYS });
  const { data, error } = await admin.rpc("seen_headers");
  if (error) throw databaseError(error);
  return { body: data };
}, adminOf(env)));
