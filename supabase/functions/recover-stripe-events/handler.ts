// POST { hours?, wait? } → 202 { accepted: true }, or with wait 200 { listed, left, done, waiting, failed }
//
// For the database's jobs: lists what Stripe had to tell within the last hours and does what never arrived, or was not done,
// as if it were told now. Stripe keeps events for thirty days.

import { waitUntil } from "../_shared/background.ts";
import { ApiError } from "../_shared/errors.ts";
import { log } from "../_shared/log.ts";
import type { ServiceHandler } from "../_shared/service.ts";
import { asking } from "../_shared/stripe.ts";
import { type EventServices, receive, type Told, TYPES } from "../_shared/stripe_events.ts";

/** What became of a pass. What is still left is for the next one. */
export interface Pass {
  listed: number;
  left: number;
  done: number;
  /** For their prices to be of a plan. */
  waiting: number;
  failed: number;
}

const HOURS = 3;
const MOST_HOURS = 720;
const AT_ONCE = 4;
// The platform ends a function after 150 seconds.
const END_SECONDS = 110;

export const recoverStripeEvents: ServiceHandler<EventServices> = async (input, services) => {
  const hours = input.hours ?? HOURS;
  if (typeof hours !== "number" || !(hours > 0 && hours <= MOST_HOURS)) {
    throw new ApiError("BAD_USER_INPUT", `Look back for up to ${MOST_HOURS} hours.`, { field: "hours" });
  }
  const pass = recover(hours, services);
  if (input.wait === true) return { body: await pass };
  waitUntil(pass);
  return { status: 202, body: { accepted: true } };
};

async function recover(hours: number, services: EventServices): Promise<Pass> {
  const end = performance.now() + END_SECONDS * 1000;
  const pass: Pass = { listed: 0, left: 0, done: 0, waiting: 0, failed: 0 };
  const gte = Math.floor(Date.now() / 1000 - hours * 3600);
  await asking(async () => {
    // By pages: those of before a pass that ends early are not asked of again in this one.
    let starting_after: string | undefined;
    do {
      const page = await services.stripe.events.list({
        created: { gte },
        types: Object.keys(TYPES),
        limit: 100,
        starting_after,
      });
      pass.listed += page.data.length;
      const events = new Map(page.data.map((event) => [event.id, event as unknown as Told]));
      const left = page.data.length ? await services.billing.eventsLeft([...events.keys()]) : [];
      pass.left += left.length;
      await each(left.map((id) => events.get(id)!), end, services, pass);
      starting_after = page.has_more ? page.data.at(-1)?.id : undefined;
    } while (starting_after !== undefined && performance.now() < end);
  });
  log[pass.failed > 0 ? "error" : "info"]("looked for what Stripe told and never arrived", { ...pass });
  return pass;
}

async function each(events: Told[], end: number, services: EventServices, pass: Pass): Promise<void> {
  const queue = events.reverse();
  const work = async () => {
    for (let event = queue.pop(); event !== undefined && performance.now() < end; event = queue.pop()) {
      try {
        pass[await receive(event, services) === "waiting" ? "waiting" : "done"] += 1;
      } catch (error) {
        pass.failed += 1;
        log.warn("an event was not done", { event: event.id, type: event.type, error });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}
