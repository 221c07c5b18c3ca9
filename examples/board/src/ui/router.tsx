// Which page is shown: the part of the address behind /board/.
import { type MouseEvent, type ReactNode, useEffect, useRef, useSyncExternalStore } from "react";

const BASE = import.meta.env.BASE_URL;

function subscribe(listener: () => void) {
  addEventListener("popstate", listener);
  return () => removeEventListener("popstate", listener);
}

export function usePath(): string {
  return useSyncExternalStore(subscribe, () => location.pathname.slice(BASE.length));
}

export function go(path: string) {
  history.pushState(null, "", BASE + path);
  scrollTo(0, 0);
  dispatchEvent(new PopStateEvent("popstate")); // as the browser's own buttons do
}

export function Link({ to, className, children }: { to: string; className?: string; children: ReactNode }) {
  function follow(event: MouseEvent) {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return; // a new tab or window
    event.preventDefault();
    go(to);
  }
  return <a href={BASE + to} className={className} onClick={follow}>{children}</a>;
}

let isFirst = true;

/** What a page is called, in its tab, too. On each page but the first it has the focus: whatever had it is gone. */
export function Heading({ children }: { children: string }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => { document.title = `${children} · Tripgate board`; }, [children]);
  useEffect(() => {
    if (!isFirst) heading.current?.focus();
    isFirst = false;
  }, []);
  return <h1 ref={heading} tabIndex={-1}>{children}</h1>;
}
