// Functions that people call, and that do tasks: those whose work is begun by people and done afterwards, or later.

import type { SupabaseClient } from "npm:@supabase/supabase-js@2.119.0";
import { waitUntil } from "./background.ts";
import { endpoint, type Handler } from "./endpoint.ts";
import { isService, secretKeysOf } from "./service.ts";
import type { Environment } from "./settings.ts";
import { type TaskHandler, type TaskLimits, Tasks, woken } from "./tasks.ts";

/** For what people have begun: do what is due, behind the answer. */
export interface Waking {
  wake(): void;
}

/**
 * Make a request handler for `Deno.serve` that takes people as `endpoint` does, and this project's own programs as
 * `taskEndpoint` does.
 *
 * Their keys are no tokens, so `verify_jwt` is false for such a function: nobody has verified a person's token before
 * `handle` runs. So it asks the database as the caller, which does, before anything else; that a token names somebody
 * proves nothing.
 */
export function peopleAndTasksEndpoint<Services>(
  handle: Handler<Services & Waking>,
  handlers: Record<string, TaskHandler<Services>>,
  services: Services,
  admin: SupabaseClient,
  env: Environment = Deno.env.toObject(),
  limits: Partial<TaskLimits> = {},
): (request: Request) => Promise<Response> {
  const tasks = new Tasks(handlers, services, admin, limits);
  const keys = secretKeysOf(env);
  const people = endpoint(handle, { ...services, wake: () => waitUntil(tasks.work()) });
  const programs = woken(tasks, env);
  return (request) => isService(request.headers, keys, env.CRON_SECRET) ? programs(request) : people(request);
}
