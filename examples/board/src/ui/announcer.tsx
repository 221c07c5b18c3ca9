// Says what has happened, to eyes and to screen readers alike.
import { useEffect, useSyncExternalStore } from "react";

const SHOWN_FOR = 6_000;
let message = "";
const listeners = new Set<() => void>();

export function announce(text: string) {
  message = text;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function Announcer() {
  const shown = useSyncExternalStore(subscribe, () => message);
  useEffect(() => {
    const timer = setTimeout(announce, SHOWN_FOR, "");
    return () => clearTimeout(timer);
  }, [shown]);
  return <div className="announcer" role="status" aria-live="polite">{shown && <p key={shown}>{shown}</p>}</div>;
}
