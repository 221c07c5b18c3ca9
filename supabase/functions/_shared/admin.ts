// The database past row level security, for functions of services and webhooks: no person stands behind what they do.

import { createClient, type SupabaseClient } from "npm:@supabase/supabase-js@2.119.0";
import { withRequestId } from "./log.ts";
import { secretKeysOf } from "./service.ts";
import type { Environment } from "./settings.ts";

const SECONDS = 10;

/** A client with the project's secret key. Throws an Error where the platform gives none. */
export function adminOf(env: Environment, fetcher: typeof fetch = fetch): SupabaseClient {
  const [key] = secretKeysOf(env);
  if (!env.SUPABASE_URL || !key) throw new Error("SUPABASE_URL and SUPABASE_SECRET_KEYS are not set");
  return createClient(env.SUPABASE_URL, key, {
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
    db: { retry: false, timeout: SECONDS * 1000 },
    global: { fetch: withRequestId(fetcher) },
  });
}
