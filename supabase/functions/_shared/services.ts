// What functions reach beyond themselves: the database as the caller, and mail.

import { createClient, type SupabaseClient } from "npm:@supabase/supabase-js@2.119.0";
import type { Caller } from "./caller.ts";
import { ApiError } from "./errors.ts";
import { fetchOnce, writeOnce } from "./fetch_once.ts";
import { log, withRequestId } from "./log.ts";

const DATABASE_SECONDS = 10;
const MAIL_SECONDS = 10;

export interface Mail {
  to: string;
  subject: string;
  text: string;
  html: string;
}

export interface Services {
  /** A client whose every statement runs under the caller's own policies. */
  database(caller: Caller): SupabaseClient;
  /** Hand a mail over for delivery. Throws ApiError. */
  send(mail: Mail): Promise<void>;
  /** Where the web application lives, for links in mails. */
  siteUrl: string;
}

/**
 * The services that the environment names.
 *
 * SUPABASE_URL and SUPABASE_PUBLISHABLE_KEYS come from the platform. MAIL_URL takes each mail as JSON by POST, with
 * MAIL_TOKEN, where there is one, as its bearer. SITE_URL is the web application's address. See docs/functions.md.
 */
export function servicesOf(env: Record<string, string | undefined>, fetcher?: typeof fetch): Services {
  const required = (name: string): string => {
    const value = env[name];
    if (!value) throw new Error(`${name} is not set`);
    return value;
  };
  const url = required("SUPABASE_URL");
  // A project can switch its legacy anon key off; a platform of one's own may know no other.
  const keys: Record<string, string> = JSON.parse(env.SUPABASE_PUBLISHABLE_KEYS || "{}");
  const key = keys.default ?? Object.values(keys)[0] ?? required("SUPABASE_ANON_KEY");
  return {
    siteUrl: env.SITE_URL || "http://127.0.0.1:3000",
    database: (caller) =>
      createClient(url, key, {
        auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
        // Seven seconds of retries are for the caller to spend, who knows its own deadline.
        db: { retry: false, timeout: DATABASE_SECONDS * 1000 },
        // What people have done is done once, with or without a key: a rule by hand, a reminder, an invitation.
        global: { headers: { Authorization: `Bearer ${caller.token}` }, fetch: withRequestId(fetcher ?? writeOnce) },
      }),
    send: async (mail) => {
      const headers: Record<string, string> = { "Content-Type": "application/json" };
      if (env.MAIL_TOKEN) headers.Authorization = `Bearer ${env.MAIL_TOKEN}`;
      try {
        const response = await (fetcher ?? fetchOnce)(required("MAIL_URL"), {
          method: "POST",
          headers,
          body: JSON.stringify(mail),
          signal: AbortSignal.timeout(MAIL_SECONDS * 1000),
        });
        await response.body?.cancel();
        if (!response.ok) throw new Error(`the mail service answered ${response.status}`);
      } catch (error) {
        log.error("mail not sent", { code: "UPSTREAM_UNAVAILABLE", error });
        throw new ApiError("UPSTREAM_UNAVAILABLE", "The mail could not be sent. Try again shortly.");
      }
    },
  };
}
