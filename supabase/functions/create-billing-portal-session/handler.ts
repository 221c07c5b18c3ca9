// POST { return_url } → 200 { session: { url, kind: "portal", expires_at } }
//
// The page at Stripe on which the caller changes, ends and reads what they pay for. NOT_FOUND for who never began to pay.

import type { Handler } from "../_shared/endpoint.ts";
import { ApiError } from "../_shared/errors.ts";
import { isGone, type PayingServices, portalOf, stateOf } from "../_shared/paying.ts";
import { returnUrlOf } from "../_shared/return_urls.ts";
import { asking } from "../_shared/stripe.ts";

export const createBillingPortalSession: Handler<PayingServices> = async (input, caller, services) => {
  const returnUrl = returnUrlOf(input, "return_url", services.origins);
  const { customer } = await stateOf(caller, services.billing);
  const nothing = () => new ApiError("NOT_FOUND", "You have paid for nothing yet. Choose a plan first.");
  if (customer === null) throw nothing();
  const session = await asking(async () => {
    try {
      return await portalOf(customer, returnUrl, services);
    } catch (error) {
      // Who was deleted at Stripe is a customer anew with the next plan that they choose.
      throw await isGone(error, customer, services) ? nothing() : error;
    }
  });
  return { body: { session } };
};
