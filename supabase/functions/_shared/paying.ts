// What the functions by which people pay share: who they are to Stripe, and where they are led back to.

import { adminOf } from "./admin.ts";
import { Billing, type BillingState, type Turn } from "./billing.ts";
import type { Caller } from "./caller.ts";
import { ApiError } from "./errors.ts";
import { log } from "./log.ts";
import { returnOrigins } from "./return_urls.ts";
import type { Environment } from "./settings.ts";
import { isLive, isMissing, once, type Stripe, stripeOf } from "./stripe.ts";
import { type EventServices, SYSTEM, Writer } from "./stripe_events.ts";

export interface PayingServices extends EventServices {
  /** Where people may be led back to. */
  origins: ReadonlySet<string>;
}

/** A page at Stripe, as it is answered. */
export interface Page {
  url: string;
  kind: "checkout" | "portal";
  expires_at: string;
}

// As long as all that is asked in it takes at most, and somewhat longer than others wait for it.
export const TURN = { leaseSeconds: 60, waitSeconds: 20 };
const PORTAL_SECONDS = 300;

export function payingServicesOf(env: Environment): PayingServices {
  return {
    stripe: stripeOf(env),
    billing: new Billing(adminOf(env)),
    live: isLive(env),
    origins: returnOrigins(env),
  };
}

/** Who may pay: not whoever is nobody yet. Throws ApiError. */
export function refuseAnonymous(state: BillingState): void {
  if (state.anonymous) {
    throw new ApiError("FORBIDDEN", "Give your account an e-mail address before you pay for a plan.");
  }
}

/** The customer that a person is; made where they are none, once, however often that is begun. In the person's turn. */
export async function customerOf(
  turn: Turn,
  state: BillingState,
  services: EventServices,
): Promise<string> {
  if (state.customer !== null) return state.customer;
  return await services.billing.keepCustomer(turn, await madeCustomer(turn, state, services, "first"));
}

/** The customer that a person is in place of `former`, whom Stripe has no more. In the person's turn. */
export async function anotherCustomer(
  turn: Turn,
  state: BillingState,
  former: string,
  services: EventServices,
): Promise<string> {
  log.warn("Stripe has a customer no more, and gets another", { customer: former });
  return await services.billing.replaceCustomer(turn, former, await madeCustomer(turn, state, services, former));
}

/** Whether a failure is that Stripe has this customer no more: somebody deleted them there. */
export async function isGone(error: unknown, customer: string, { stripe }: EventServices): Promise<boolean> {
  if (!isMissing(error)) return false;
  try {
    return (await stripe.customers.retrieve(customer)).deleted === true;
  } catch (failure) {
    if (isMissing(failure)) return true;
    throw failure;
  }
}

/**
 * A person's customer, that of whoever died before it was kept here, or a new one.
 *
 * Found by the address, or else by search, which knows of customers after a minute; one that was made since is made again
 * by the same key, which Stripe answers as before for a day.
 */
async function madeCustomer(
  turn: Turn,
  state: BillingState,
  { stripe }: EventServices,
  inPlaceOf: string,
): Promise<string> {
  const email = state.email ?? undefined;
  const look = async (): Promise<Stripe.Customer | null> => {
    const listed = email === undefined
      ? stripe.customers.search({ query: `metadata["user_id"]:"${turn.subject}"`, limit: 100 })
      : stripe.customers.list({ email, limit: 100 });
    for await (const customer of listed) {
      if (customer.metadata.user_id === turn.subject && customer.id !== inPlaceOf) return customer;
    }
    return null;
  };
  const create = (options: Stripe.RequestOptions) =>
    stripe.customers.create({ email, metadata: { user_id: turn.subject, system: SYSTEM } }, options);
  const what = `customer-${turn.subject}-${inPlaceOf}`;
  return (await look() ?? await once([`${SYSTEM}-${what}`, ...keys(what, turn)], create, look)).id;
}

/** The page on which a customer changes and ends what they pay for. */
export async function portalOf(customer: string, return_url: string, { stripe }: EventServices): Promise<Page> {
  const session = await stripe.billingPortal.sessions.create({ customer, return_url });
  return {
    url: session.url,
    kind: "portal",
    expires_at: new Date((session.created + PORTAL_SECONDS) * 1000).toISOString(),
  };
}

/** How a page stands by now, written in its customer's turn. */
export async function settle(session: string, customer: string, services: EventServices): Promise<void> {
  await services.billing.inTurn(customer, TURN, (turn) => new Writer(services, turn).session(session));
}

/** Keys of what is made in a turn: the turn's own, so that what was answered in another is not answered again. */
export function keys(what: string, turn: Turn): string[] {
  return [1, 2, 3].map((attempt) => `${SYSTEM}-${what}-${turn.token}-${attempt}`);
}

/** What is known of the caller. Throws ApiError: a token outlives its account. */
export async function stateOf(caller: Caller, billing: Billing): Promise<BillingState> {
  try {
    return await billing.stateOf(caller.id);
  } catch (error) {
    if (error instanceof ApiError && error.code === "NOT_FOUND") {
      throw new ApiError("UNAUTHENTICATED", "This account does not exist any more.");
    }
    throw error;
  }
}

/** Do something in a person's turn. */
export function inTurnOf<Result>(
  caller: Caller,
  { billing }: EventServices,
  work: (turn: Turn, state: BillingState) => Promise<Result>,
): Promise<Result> {
  return billing.inTurn(caller.id, TURN, async (turn) => await work(turn, await stateOf(caller, billing)));
}
