// Who is signed in: kept in the browser for all tabs, refreshed before its token ends.
import { useSyncExternalStore } from "react";
import { Client, fetchExchange } from "urql";
import { hasCode } from "../api/errors";
import { graphql } from "../api/generated";
import { announce } from "../ui/announcer";

export type Session = { accessToken: string; refreshToken: string; expiresAt: string };

const KEY = "tripgate.session";
const AHEAD = 60_000; // milliseconds before its end at which a token is refreshed
export const LONGEST = 24 * 3_600_000; // a timer holds no more than 24 days

const Refresh = graphql(`
  mutation Refresh($token: String!) { refreshSession(refreshToken: $token) { session { accessToken refreshToken expiresAt } } }
`);
const SignOut = graphql(`
  mutation SignOut { signOut }
`);

/** For what is asked as nobody. */
export const anonymous = new Client({ url: "/graphql", preferGetMethod: false, exchanges: [fetchExchange] });

let session = stored();
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();

export function getSession(): Session | null {
  return session;
}

/** Calls `listener` whenever there is another session, or another token of it. */
export function onSession(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useSession(): Session | null {
  return useSyncExternalStore(onSession, getSession);
}

export function keepSession(next: Session | null) {
  if (next) localStorage.setItem(KEY, JSON.stringify(next));
  else localStorage.removeItem(KEY);
  take(next);
}

/** The session with a token that lasts, and is not the one that was `refused`. Null when it has ended: sign in again. */
export function freshSession(refused?: string): Promise<Session | null> {
  return alone(async () => {
    const latest = stored();
    if (!latest || (latest.accessToken !== refused && lasts(latest))) take(latest);
    else {
      const { data, error } = await anonymous.mutation(Refresh, { token: latest.refreshToken }).toPromise();
      if (hasCode(error, "UNAUTHENTICATED")) keepSession(null);
      else if (data?.refreshSession?.session) keepSession(data.refreshSession.session);
    }
    return session;
  });
}

/** One tab at a time: a refresh token works once, and the tabs behind take what the first one stored. */
function alone<Result>(work: () => Promise<Result>): Promise<Result> {
  // Browsers have locks on https and on this machine alone.
  return "locks" in navigator ? navigator.locks.request(KEY, work) : work();
}

export async function signOut() {
  const headers = { Authorization: `Bearer ${session?.accessToken}` };
  await anonymous.mutation(SignOut, {}, { fetchOptions: { headers } }).toPromise();
  keepSession(null);
}

/**
 * A link in a mail leads here with a session behind the address's `#`, or with what is wrong with the link. Anybody can
 * write such a link: it signs nobody out, none of its words are shown, and whom it signs in is told.
 */
export function takeSessionOfMail() {
  const given = new URLSearchParams(location.hash.slice(1));
  if (given.has("access_token") || given.has("error")) history.replaceState(null, "", location.pathname + location.search);
  const next = sessionOf(given.get("access_token"), given.get("refresh_token"), Number(given.get("expires_at")) * 1000);
  if (given.has("error")) announce("This link was used already, or is too old.", "alert");
  else if (given.has("access_token") && !next) announce("This link is broken.", "alert");
  else if (next && session) announce("You are signed in already. To use the link, sign out first.", "alert");
  else if (next) {
    keepSession(next);
    announce("The link of the mail has signed you in.");
  }
}

function take(next: Session | null) {
  // Nothing of one person is left in memory for the next, and nothing of the next is done by a page of the last.
  if (session && personOf(next) !== personOf(session)) return location.reload();
  clearTimeout(timer);
  const wait = next ? Date.parse(next.expiresAt) - Date.now() - AHEAD : 0;
  if (next) timer = setTimeout(freshSession, Math.min(Math.max(wait, 1_000), LONGEST));
  if (next?.accessToken === session?.accessToken) return;
  session = next;
  for (const listener of listeners) listener();
}

function lasts({ expiresAt }: Session): boolean {
  return Date.parse(expiresAt) - Date.now() > AHEAD;
}

/** Whose session it is, as its token says; whether that is true the server knows. */
function personOf(session: Session | null): unknown {
  try {
    return session && JSON.parse(atob(session.accessToken.split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/"))).sub;
  } catch {
    return session?.accessToken;
  }
}

/** Null where the parts make no session. */
function sessionOf(accessToken: unknown, refreshToken: unknown, end: unknown): Session | null {
  const expiresAt = new Date(end as string | number);
  const areTokens = [accessToken, refreshToken].every((token) => /^[\w.-]+$/.test(String(token ?? "")));
  if (!areTokens || Number.isNaN(expiresAt.valueOf())) return null;
  return { accessToken: String(accessToken), refreshToken: String(refreshToken), expiresAt: expiresAt.toISOString() };
}

function stored(): Session | null {
  try {
    const { accessToken, refreshToken, expiresAt } = JSON.parse(localStorage.getItem(KEY)!);
    return sessionOf(accessToken, refreshToken, expiresAt);
  } catch {
    return null; // nothing, or nothing of ours
  }
}

// Signed in, out or refreshed in another tab.
addEventListener("storage", ({ key }) => { if (key === KEY || key === null) take(stored()); });
take(session);
