// Who is signed in: kept in the browser for all tabs, refreshed before its token ends.
import { useSyncExternalStore } from "react";
import { Client, fetchExchange } from "urql";
import { hasCode } from "../api/errors";
import { graphql } from "../api/generated";
import { announce } from "../ui/announcer";

export type Session = { accessToken: string; refreshToken: string; expiresAt: string };

const KEY = "tripgate.session";
const AHEAD = 60_000; // milliseconds before its end at which a token is refreshed

const Refresh = graphql(`
  mutation Refresh($token: String!) {
    refreshSession(refreshToken: $token) { session { accessToken refreshToken expiresAt } }
  }
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

/** A link in a mail leads here with a session behind the address's `#`, or with what is wrong with the link. */
export function takeSessionOfMail() {
  const given = new URLSearchParams(location.hash.slice(1));
  const [accessToken, refreshToken, end] = ["access_token", "refresh_token", "expires_at"].map((name) => given.get(name));
  announce(given.get("error_description") ?? "");
  if (!accessToken || !refreshToken) return;
  keepSession({ accessToken, refreshToken, expiresAt: new Date(Number(end) * 1000).toISOString() });
  history.replaceState(null, "", location.pathname + location.search);
}

function take(next: Session | null) {
  clearTimeout(timer);
  if (next) timer = setTimeout(freshSession, Math.max(Date.parse(next.expiresAt) - Date.now() - AHEAD, 1_000));
  if (next?.accessToken === session?.accessToken) return;
  const ended = session !== null && next === null;
  session = next;
  // Nothing of one person is left in memory for the next.
  if (ended) location.reload();
  else for (const listener of listeners) listener();
}

function lasts({ expiresAt }: Session): boolean {
  return Date.parse(expiresAt) - Date.now() > AHEAD;
}

function stored(): Session | null {
  return JSON.parse(localStorage.getItem(KEY) ?? "null");
}

// Signed in, out or refreshed in another tab.
addEventListener("storage", ({ key }) => { if (key === KEY || key === null) take(stored()); });
take(session);
