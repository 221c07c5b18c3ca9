// POST { trip_id, trip_item_id?, text, run_at? | days_before? and local_time?, channel?, idempotency_key? }
//   → 201 { job: { id, status, run_at, … } }
//
// A person has themselves reminded of a trip, or of something planned on it: at a moment, or so many days before it begins at
// an hour of their own clocks. It is kept as the caller; when it is due the task `run_scheduled_job` does it.

import type { SupabaseClient } from "npm:@supabase/supabase-js@2.119.0";
import { fieldOf, ID, idempotencyKeyOf, z } from "../_shared/ai/schemas.ts";
import type { Handler } from "../_shared/endpoint.ts";
import { ApiError, databaseError, renamed } from "../_shared/errors.ts";
import type { Waking } from "../_shared/people_and_tasks.ts";
import type { Bell } from "../_shared/ring.ts";
import type { Services } from "../_shared/services.ts";
import type { TaskHandler } from "../_shared/tasks.ts";

const MOMENT = z.iso.datetime({ offset: true });
const CLOCK = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$/);

export const scheduleReminder: Handler<Pick<Services, "database"> & Waking> = async (input, caller, services) => {
  const field = <Schema extends z.ZodType>(name: string, schema: Schema, expected: string) =>
    fieldOf(input, name, schema, expected);
  const args = {
    trip: field("trip_id", ID, "trip_id is the id of a trip."),
    text: field("text", z.string(), "Say of what you want to be reminded, as a text."),
    trip_item: field("trip_item_id", ID.optional(), "trip_item_id is the id of an item of that trip.") ?? null,
    run_at: field("run_at", MOMENT.optional(), "run_at is a moment such as 2026-07-01T08:00:00+02:00.") ?? null,
    days_before: field("days_before", z.int32().optional(), "days_before is a whole number.") ?? null,
    local_time: field("local_time", CLOCK.optional(), "local_time is an hour such as 08:00.") ?? null,
    channel: field("channel", z.enum(["whatsapp", "bell"]).optional(), "A channel is whatsapp or bell.") ?? "whatsapp",
    idempotency_key: idempotencyKeyOf(input),
  };
  const { data, error } = await services.database(caller).rpc("schedule_reminder", args);
  if (error) throw renamed(databaseError(error), { trip: "trip_id", trip_item: "trip_item_id" });
  const [job] = data as unknown[];
  if (job === undefined) throw new ApiError("NOT_FOUND", "There is no such trip.");
  services.wake();
  return { status: 201, body: { job } };
};

export interface DueServices {
  admin: SupabaseClient;
  /** Of whoever sends messages. */
  messages: Bell;
}

/** The task `run_scheduled_job`: the database does it and finishes the task in one transaction. */
export const runScheduledJob: TaskHandler<DueServices> = async ({ id, token }, { admin, messages }) => {
  const { error } = await admin.rpc("run_scheduled_job", { task: id, token });
  if (error) throw databaseError(error);
  messages.ring();
};
