// The task `remove_objects`: what somebody or something left in Storage goes, bytes and rows, since SQL would leave the
// bytes. What is gone already is none of the matter: Storage deletes what there is.

import type { SupabaseClient } from "npm:@supabase/supabase-js@2.119.0";
import { TaskFailure, type TaskHandler } from "../_shared/tasks.ts";

/** As many as Storage takes in one request. */
const AT_ONCE = 1000;

export const removeObjects: TaskHandler<{ admin: SupabaseClient }> = async (task, { admin }, signal) => {
  const rows = Array.isArray(task.payload.rows) ? task.payload.rows : [];
  const buckets = new Map<string, string[]>();
  for (const row of rows) {
    if (typeof row?.bucket_id !== "string" || typeof row?.name !== "string") continue;
    buckets.set(row.bucket_id, [...(buckets.get(row.bucket_id) ?? []), row.name]);
  }
  if (buckets.size === 0) throw new TaskFailure("It does not say which objects.", { final: true });
  for (const [bucket, names] of buckets) {
    for (let start = 0; start < names.length; start += AT_ONCE) {
      if (signal.aborted) throw new TaskFailure("It is stopped; what is left goes the next time.");
      const { error } = await admin.storage.from(bucket).remove(names.slice(start, start + AT_ONCE));
      if (error !== null && !isMissing(error)) throw new TaskFailure(error.message);
    }
  }
};

/** Of a bucket that is gone nothing is left. */
function isMissing(error: unknown): boolean {
  const told = error as { status?: number; statusCode?: string };
  return told.statusCode === "404" || told.status === 404;
}
