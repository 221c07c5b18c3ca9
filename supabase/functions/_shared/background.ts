// Work that goes on behind an answer.

import { log } from "./log.ts";

interface Runtime {
  waitUntil(work: Promise<unknown>): void;
}

/**
 * Let some work go on after the answer. A failure is logged, with the request's id.
 *
 * The platform ends it with its worker, after 150 seconds (400 of paid plans) at most, and may do so at any time: what
 * must happen is a task.
 */
export function waitUntil(work: Promise<unknown>): void {
  const watched = work.catch((error) => log.error("work behind the answer failed", { error }));
  // Of the platform, and of the embedded Supabase; in tests of a handler alone there is none.
  (globalThis as { EdgeRuntime?: Runtime }).EdgeRuntime?.waitUntil(watched);
}
