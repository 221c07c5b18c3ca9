// POST { metric?, amount? } → 200 { limits: [{ metric, limit, used, reserved, remaining, resets_at }] }
//
// What is left to the caller now, of one metric or of each; amounts are decimals as texts. With an amount USAGE_LIMIT_EXCEEDED
// where so much is not left. It holds nothing: whatever costs something reserves it first (docs/payments.md).

import type { Handler } from "../_shared/endpoint.ts";
import { ApiError, databaseError } from "../_shared/errors.ts";
import type { Services } from "../_shared/services.ts";

interface Left {
  metric: string;
  limit: string;
  used: string;
  reserved: string;
  remaining: string;
  resets_at: string | null;
}

// Numbers of the database, which JSON's would round.
const COLUMNS = "metric,limit:limit_amount::text,used:used_amount::text,reserved:reserved_amount::text," +
  "remaining:remaining_amount::text,resets_at:period_end";
const METRICS = ["ai_cost", "whatsapp_messages", "storage_bytes"];

export const enforceUsageLimits: Handler<Pick<Services, "database">> = async (input, caller, services) => {
  // As the database takes them: as they are written there, or as in GraphQL and in what is refused.
  const metric = typeof input.metric === "string" ? input.metric.toLowerCase() : input.metric;
  if (metric !== undefined && !(typeof metric === "string" && METRICS.includes(metric))) {
    throw new ApiError("BAD_USER_INPUT", `A metric is one of ${METRICS.join(", ")}.`, { field: "metric" });
  }
  const amount = amountOf(input, metric);
  const { data, error } = await services.database(caller).rpc("current_usage_limits").select(COLUMNS).order("metric");
  if (error) throw databaseError(error);
  const limits = (data as unknown as Left[]).filter((each) => metric === undefined || each.metric === metric);
  if (amount !== null) refuseBeyond(amount, limits, metric as string);
  return { body: { limits } };
};

function amountOf(input: Record<string, unknown>, metric: unknown): number | null {
  if (input.amount === undefined) return null;
  const { amount } = input;
  const written = typeof amount === "number"
    ? amount
    : typeof amount === "string" && /^\d{1,15}(\.\d{1,6})?$/.test(amount)
    ? Number(amount)
    : NaN;
  if (!(written > 0 && written < 1e15)) {
    throw new ApiError("BAD_USER_INPUT", "An amount is more than zero, with six decimals at most.", {
      field: "amount",
    });
  }
  if (metric === undefined) throw new ApiError("BAD_USER_INPUT", "Say of which metric.", { field: "metric" });
  return written;
}

/** Throws ApiError, as `reserve_usage` of the database would. */
function refuseBeyond(amount: number, limits: Left[], metric: string): void {
  const [left] = limits;
  if (left && amount <= Number(left.remaining)) return;
  const { limit = "0", used = "0", reserved = "0", resets_at = null } = left ?? {};
  throw new ApiError("USAGE_LIMIT_EXCEEDED", "What your plan includes of this is used up.", {
    metric: metric.toUpperCase(),
    limit,
    used,
    reserved,
    resetsAt: resets_at,
  });
}
