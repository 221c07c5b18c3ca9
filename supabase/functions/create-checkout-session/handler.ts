// POST { plan_key, success_url, cancel_url } → 200 { session: { url, kind: "checkout" | "portal", expires_at } }
//
// A page on which the caller subscribes to a plan; of those who have one already the page on which they change it. However
// many tabs ask, a person is one customer and has one page open: all is done in the person's turn, and looked for at Stripe
// before it is made.

import type { Turn } from "../_shared/billing.ts";
import type { Handler } from "../_shared/endpoint.ts";
import { ApiError } from "../_shared/errors.ts";
import { log } from "../_shared/log.ts";
import { anotherCustomer, customerOf, inTurnOf, isGone, keys, type Page } from "../_shared/paying.ts";
import { type PayingServices, portalOf, refuseAnonymous, settle } from "../_shared/paying.ts";
import { returnUrlOf } from "../_shared/return_urls.ts";
import { asking, LONGEST_SECONDS, once, Stripe } from "../_shared/stripe.ts";
import { isOurs, SYSTEM } from "../_shared/stripe_events.ts";

interface Wanted {
  plan: string;
  success_url: string;
  cancel_url: string;
}

// A page that ends sooner is not handed out again.
const SOONEST_END_SECONDS = 600;

export const createCheckoutSession: Handler<PayingServices> = async (input, caller, services) => {
  const { billing, origins } = services;
  const plan = input.plan_key;
  const prices = await billing.prices();
  if (typeof plan !== "string" || !Object.hasOwn(prices, plan)) {
    throw new ApiError("BAD_USER_INPUT", "There is no such plan to pay for.", { field: "plan_key" });
  }
  const wanted: Wanted = {
    plan,
    success_url: returnUrlOf(input, "success_url", origins),
    cancel_url: returnUrlOf(input, "cancel_url", origins),
  };
  const session = await asking(() =>
    inTurnOf(caller, services, async (turn, state) => {
      refuseAnonymous(state);
      const customer = await customerOf(turn, state, services);
      const offer = async (customer: string) =>
        await pageOf(turn, customer, wanted, prices[plan]!, services) ??
          await portalOf(customer, wanted.cancel_url, services);
      if (state.session !== null && !await isOpen(state.session.id, services)) {
        await settle(state.session.id, customer, services);
      }
      try {
        return await offer(customer);
      } catch (error) {
        if (!await isGone(error, customer, services)) throw error;
        return await offer(await anotherCustomer(turn, state, customer, services));
      }
    })
  );
  return { body: { session } };
};

/** The page on which a customer subscribes; null where they have already. */
async function pageOf(
  turn: Turn,
  customer: string,
  wanted: Wanted,
  lookupKey: string,
  services: PayingServices,
): Promise<Page | null> {
  const { stripe, billing } = services;
  // First the pages, then what was begun on them: nothing can be begun on what is neither open nor seen below.
  const open = await findOpen(customer, wanted, services);
  for await (const subscription of stripe.subscriptions.list({ customer, status: "all", limit: 100 })) {
    const over = subscription.status === "canceled" || subscription.status === "incomplete_expired";
    if (isOurs(subscription.metadata) && !over) return null;
  }
  let session = open;
  if (session === null) {
    const price = await priceOf(lookupKey, services);
    const metadata = { user_id: turn.subject, system: SYSTEM, plan_key: wanted.plan };
    // A page that somebody else has made meanwhile would be a second one.
    turn.needs(LONGEST_SECONDS);
    session = await once(
      keys("checkout", turn),
      (options) =>
        stripe.checkout.sessions.create({
          mode: "subscription",
          customer,
          client_reference_id: turn.subject,
          line_items: [{ price, quantity: 1 }],
          success_url: wanted.success_url,
          cancel_url: wanted.cancel_url,
          metadata,
          subscription_data: { metadata },
        }, options),
      () => findOpen(customer, wanted, services),
    );
  }
  const page: Page = {
    url: session.url!,
    kind: "checkout",
    expires_at: new Date(session.expires_at * 1000).toISOString(),
  };
  await billing.keepSession(turn, {
    session: session.id,
    plan_key: wanted.plan,
    url: page.url,
    expires_at: page.expires_at,
  });
  return page;
}

/** The page that is open for this already; all others of the customer are closed. */
async function findOpen(
  customer: string,
  wanted: Wanted,
  services: PayingServices,
): Promise<Stripe.Checkout.Session | null> {
  const { stripe } = services;
  let found: Stripe.Checkout.Session | null = null;
  const others: string[] = [];
  for await (const session of stripe.checkout.sessions.list({ customer, status: "open", limit: 100 })) {
    if (!isOurs(session.metadata)) continue;
    if (found === null && session.url && fits(session, wanted)) found = session;
    else others.push(session.id);
  }
  for (const other of others) {
    try {
      await stripe.checkout.sessions.expire(other);
    } catch (error) {
      // It was paid on, or left, this moment: what was begun on it is seen next.
      if (!(error instanceof Stripe.errors.StripeInvalidRequestError)) throw error;
    }
    await settle(other, customer, services);
  }
  return found;
}

function fits(session: Stripe.Checkout.Session, wanted: Wanted): boolean {
  return session.metadata?.plan_key === wanted.plan && session.success_url === wanted.success_url &&
    session.cancel_url === wanted.cancel_url && session.expires_at - SOONEST_END_SECONDS > Date.now() / 1000;
}

async function isOpen(session: string, { stripe }: PayingServices): Promise<boolean> {
  return (await stripe.checkout.sessions.retrieve(session)).status === "open";
}

async function priceOf(lookupKey: string, { stripe }: PayingServices): Promise<string> {
  const { data: [price] } = await stripe.prices.list({ lookup_keys: [lookupKey], active: true, limit: 1 });
  if (price) return price.id;
  log.error("Stripe sells no such price", { lookup_key: lookupKey });
  throw new ApiError("UPSTREAM_UNAVAILABLE", "This plan cannot be paid for right now. Try again later.");
}
