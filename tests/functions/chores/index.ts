import { adminOf } from "../_shared/admin.ts";
import { settingsOf } from "../_shared/settings.ts";
import { taskEndpoint, TaskFailure } from "../_shared/tasks.ts";

const env = settingsOf("chores");

// Does tasks as each says of itself.
Deno.serve(taskEndpoint(
  {
    chore: async ({ payload }, _services, signal) => {
      if (payload.fail) throw new TaskFailure(String(payload.fail), { final: payload.final === true });
      await new Promise((resolve, reject) => {
        setTimeout(resolve, Number(payload.seconds ?? 0) * 1000);
        signal.addEventListener("abort", () => reject(signal.reason));
      });
    },
  },
  null,
  adminOf(env),
  env,
));
