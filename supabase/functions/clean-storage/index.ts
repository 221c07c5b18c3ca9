import { adminOf } from "../_shared/admin.ts";
import { settingsOf } from "../_shared/settings.ts";
import { taskEndpoint } from "../_shared/tasks.ts";
import { removeObjects } from "./handler.ts";

const env = settingsOf("clean-storage");
const admin = adminOf(env);
Deno.serve(taskEndpoint({ remove_objects: removeObjects }, { admin }, admin, env));
