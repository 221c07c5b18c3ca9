// Says what has happened, to eyes and to screen readers alike; what went wrong apart, so that no other news covers it.
import { useEffect, useSyncExternalStore } from "react";
import type { CombinedError } from "urql";
import { problemOf } from "../api/errors";

const SHOWN_FOR = 6_000;
const said = { status: { words: "", count: 0 }, alert: { words: "", count: 0 } };
type Role = keyof typeof said;
const listeners = new Set<() => void>();

export function announce(words: string, role: Role = "status") {
  said[role] = { words, count: said[role].count + 1 }; // the same again is news, too
  for (const listener of listeners) listener();
}

/** For what has no form that would show the error. */
export function report(error: CombinedError | undefined) {
  if (error) announce(`That did not work. ${problemOf(error)}`, "alert");
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function Announcer() {
  return <div className="announcer"><Line role="alert" /><Line role="status" /></div>;
}

function Line({ role }: { role: Role }) {
  const { words, count } = useSyncExternalStore(subscribe, () => said[role]);
  useEffect(() => {
    if (!words) return;
    const timer = setTimeout(announce, SHOWN_FOR, "", role);
    return () => clearTimeout(timer);
  }, [count, words, role]);
  return <div role={role} aria-live={role === "alert" ? "assertive" : "polite"}>{words && <p key={count}>{words}</p>}</div>;
}
