// What the database keeps of payments, behind functions that the service role alone may call: whose turn it is to write of
// a customer or a person, the events that were told, and what Stripe was last seen to have.

import type { SupabaseClient } from "npm:@supabase/supabase-js@2.119.0";
import { ApiError, databaseError } from "./errors.ts";
import { log } from "./log.ts";

/** How long a turn is one's own, and how long one waits for it. */
export interface TurnLimits {
  leaseSeconds: number;
  waitSeconds: number;
}

/** What has become of an event: `received` is not done yet, nor is what is `waiting` for its price to be of a plan. */
export type EventStatus = "received" | "waiting" | "done" | "ignored";

/** What a turn made of an event. */
export type Became = Exclude<EventStatus, "received">;

/** What is known of a person before they pay. */
export interface BillingState {
  anonymous: boolean;
  email: string | null;
  customer: string | null;
  /** One that is still something to Stripe. */
  subscription: { id: string } | null;
  /** The page that is open, as far as was told. */
  session: { id: string } | null;
}

const LONGEST_PAUSE_MS = 400;
const OVERTAKEN = new Set(["LEASE_LOST", "SESSION_OPEN"]);

/** A turn to write of a customer, by its id at Stripe, or of a person. */
export class Turn {
  constructor(readonly subject: string, readonly token: number, private readonly until: number) {}

  /** Throws ApiError where less than so many seconds are left: somebody else could begin before this is done. */
  needs(seconds: number): void {
    if (performance.now() + seconds * 1000 > this.until) throw busy();
  }
}

export class Billing {
  constructor(private readonly database: SupabaseClient) {}

  /**
   * Do some work while nobody else does any of the same subject. Throws ApiError where others take too long.
   *
   * What is written in it is written by its token: once the lease is over and another has begun, the database takes nothing.
   */
  async inTurn<Result>(
    subject: string,
    { leaseSeconds, waitSeconds }: TurnLimits,
    work: (turn: Turn) => Promise<Result>,
  ): Promise<Result> {
    const latest = performance.now() + waitSeconds * 1000;
    for (let pause = 25;; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      const until = performance.now() + leaseSeconds * 1000;
      const token = await this.call<number | null>("take_billing_lease", { subject, lease_seconds: leaseSeconds });
      if (token !== null) {
        try {
          return await work(new Turn(subject, token, until));
        } finally {
          // It ends by itself as well.
          await this.call("release_billing_lease", { subject, token })
            .catch((error) => log.warn("turn not ended", { error }));
        }
      }
      if (performance.now() > latest) throw busy();
      await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random() / 2)));
    }
  }

  /** Keep an event, and how often it was told; what has become of it so far. */
  recordEvent(event: {
    id: string;
    type: string;
    livemode: boolean;
    object_id: string | null;
    customer: string | null;
    payload: unknown;
  }): Promise<EventStatus> {
    const { id, ...rest } = event;
    return this.call("record_stripe_event", { event: id, ...rest });
  }

  /** All that follows of it is written, or nothing follows, or not before its price is of a plan. */
  async finishEvent(event: string, status: Became): Promise<void> {
    await this.call("finish_stripe_event", { event, status });
  }

  /** Of these events, those that never came or are not done. */
  eventsLeft(events: string[]): Promise<string[]> {
    return this.call("stripe_events_left", { events });
  }

  /** What is known of a person. Throws ApiError where they have left, though their token still holds. */
  async stateOf(person: string): Promise<BillingState> {
    try {
      return await this.call("billing_state", { person });
    } catch (error) {
      if (!(error instanceof ApiError && error.code === "NOT_FOUND")) throw error;
      throw new ApiError("UNAUTHENTICATED", "This account does not exist any more.");
    }
  }

  /** A person is this customer, unless they are one already; which they are. In the person's turn. */
  keepCustomer(turn: Turn, customer: string): Promise<string> {
    return this.call("keep_stripe_customer", { person: turn.subject, customer, token: turn.token });
  }

  /** A person is this customer, in place of one that Stripe has no more; which they are. In the person's turn. */
  replaceCustomer(turn: Turn, former: string, customer: string): Promise<string> {
    return this.call("replace_stripe_customer", { person: turn.subject, former, customer, token: turn.token });
  }

  /** The page on which a person may subscribe. In the person's turn. */
  async keepSession(
    turn: Turn,
    page: { session: string; plan_key: string; url: string; expires_at: string },
  ): Promise<void> {
    await this.call("keep_checkout_session", { person: turn.subject, token: turn.token, ...page });
  }

  /** The lookup_key of each plan that is paid for, by the plan's key. */
  prices(): Promise<Record<string, string>> {
    return this.call("stripe_price_keys", {});
  }

  /** What was fetched, in its customer's turn; false where nobody here is that customer. */
  async apply(
    what: "checkout" | "subscription" | "invoice",
    turn: Turn,
    fetched: Record<string, unknown>,
  ): Promise<boolean> {
    const args = { customer: turn.subject, token: turn.token, ...fetched };
    return await this.call<string>(`apply_stripe_${what}`, args) === "applied";
  }

  private async call<Result>(name: string, args: Record<string, unknown>): Promise<Result> {
    const { data, error } = await this.database.rpc(name, args);
    if (!error) return data as Result;
    const failure = databaseError(error);
    // Slower than the lease, and overtaken: nothing of it is written, and it may be begun anew.
    throw OVERTAKEN.has(String(failure.extensions.reason)) ? busy() : failure;
  }
}

function busy(): ApiError {
  return new ApiError("UPSTREAM_UNAVAILABLE", "Somebody else is at work on this. Try again shortly.");
}
