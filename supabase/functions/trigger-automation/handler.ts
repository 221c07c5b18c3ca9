// POST { rule_id, dry_run? } → 200 { result: { … } }
//
// A person has one of their rules do what it does, now; unless they say `dry_run: false` they are only told what it would do.
// It is done as the caller. Rules that something on a trip triggers are the task `run_automation`.

import type { SupabaseClient } from "npm:@supabase/supabase-js@2.119.0";
import { fieldOf, ID, z } from "../_shared/ai/schemas.ts";
import type { Handler } from "../_shared/endpoint.ts";
import { databaseError, renamed } from "../_shared/errors.ts";
import type { Waking } from "../_shared/people_and_tasks.ts";
import type { Bell } from "../_shared/ring.ts";
import type { Services } from "../_shared/services.ts";
import type { TaskHandler } from "../_shared/tasks.ts";

export const triggerAutomation: Handler<Pick<Services, "database"> & Pick<DueServices, "messages"> & Waking> = async (
  input,
  caller,
  services,
) => {
  const rule = fieldOf(input, "rule_id", ID, "rule_id is the id of a rule.");
  const dry_run = fieldOf(input, "dry_run", z.boolean().optional(), "dry_run is true or false.") ?? true;
  const { data, error } = await services.database(caller).rpc("trigger_automation", { rule, dry_run });
  if (error) throw renamed(databaseError(error), { rule: "rule_id" });
  if (!dry_run) services.messages.ring();
  services.wake();
  return { body: { result: data } };
};

export interface DueServices {
  admin: SupabaseClient;
  /** Of whoever sends messages. */
  messages: Bell;
}

/** The task `run_automation`: the database does it and finishes the task in one transaction. */
export const runAutomation: TaskHandler<DueServices> = async ({ id, token }, { admin, messages }) => {
  const { error } = await admin.rpc("run_automation_task", { task: id, token });
  if (error) throw databaseError(error);
  messages.ring();
};
