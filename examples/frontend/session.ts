import { AuthClient } from "@supabase/auth-js";
import { PUBLISHABLE_KEY, SUPABASE_URL } from "./config.ts";

// Keeps the session in localStorage, refreshes it before it ends, and tells the other tabs. With supabase-js it is
// `createClient(SUPABASE_URL, PUBLISHABLE_KEY).auth`.
export const auth = new AuthClient({ url: `${SUPABASE_URL}/auth/v1`, headers: { apikey: PUBLISHABLE_KEY } });

/** The header that says who asks; none where nobody is signed in. */
export async function authorization(): Promise<{ Authorization?: string }> {
  const { data } = await auth.getSession();
  return data.session ? { Authorization: `Bearer ${data.session.access_token}` } : {};
}

/** Whether the gateway has refused the token. */
export function isEnded(errors: readonly { extensions?: { [key: string]: unknown } }[]): boolean {
  return errors.some((error) => error.extensions?.code === "UNAUTHENTICATED");
}

/** Another token in place of one that was refused; false where there is none to be had. */
export async function renew(): Promise<boolean> {
  const refused = (await authorization()).Authorization;
  // A refresh token works once, so one tab and one request at a time; for those that waited the token is there.
  return await navigator.locks.request("renew", async () => {
    if ((await authorization()).Authorization === refused) await auth.refreshSession();
    const { Authorization: now } = await authorization();
    return now !== undefined && now !== refused;
  });
}

// Whoever is next, in whichever tab, finds nothing of the last one's in memory.
let person: string | undefined;
auth.onAuthStateChange((_event, session) => {
  if (person && person !== session?.user.id) location.reload();
  person = session?.user.id;
});
