// The task `delete_external_customer`: somebody has left, and so has the customer that Stripe knew them as, whose
// subscriptions end with it at once. Of one that is gone already there is nothing to do.

import { asking, isMissing, type Stripe } from "../_shared/stripe.ts";
import { TaskFailure, type TaskHandler } from "../_shared/tasks.ts";

export const deleteExternalCustomer: TaskHandler<{ stripe: Stripe }> = async (task, { stripe }) => {
  const rows = Array.isArray(task.payload.rows) ? task.payload.rows : [];
  const customers = rows.map((row) => row?.stripe_customer_id).filter((each) =>
    typeof each === "string" && each !== ""
  );
  if (customers.length === 0) throw new TaskFailure("It does not say which customer.", { final: true });
  for (const customer of customers) {
    try {
      await asking(() => stripe.customers.del(customer));
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
};
