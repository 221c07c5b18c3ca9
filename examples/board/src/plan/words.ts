// What plans, amounts and what somebody bought are called.
import type { PayingSubscription, UsageMetric } from "../api/generated/graphql";

type Bought = NonNullable<PayingSubscription["billingSubscription"]>;
const KEPT = 7 * 24 * 3_600_000; // milliseconds for which a plan is kept while a payment is missing
const DATE = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", year: "numeric" });
const NOT_NOW: { [status in Bought["status"]]: string } = {
  ACTIVE: "is over.", TRIALING: "is over.", CANCELED: "is cancelled and over.", PAUSED: "is paused.",
  INCOMPLETE: "waits for its first payment.", INCOMPLETE_EXPIRED: "was never paid for.",
  PAST_DUE: "has been past due for a week: change the card.", UNPAID: "is not paid for: change the card.",
};
export const METRICS: { [metric in UsageMetric]: string } = { AI_COST: "AI", WHATSAPP_MESSAGES: "WhatsApp messages", STORAGE_BYTES: "Storage" };
export const date = (time: string | number) => DATE.format(new Date(time));
export const money = (value: string, currency: string) => Number(value).toLocaleString("en", { style: "currency", currency });

export function amount(metric: UsageMetric, value: string): string {
  if (metric === "AI_COST") return money(value, "USD");
  const power = metric === "STORAGE_BYTES" ? Math.min(Math.floor(Math.log2(Math.max(Number(value), 1)) / 10), 4) : 0;
  const unit = metric === "STORAGE_BYTES" ? [" bytes", " KB", " MB", " GB", " TB"][power] : "";
  return (Number(value) / 1024 ** power).toLocaleString("en", { maximumFractionDigits: 1 }) + unit;
}

/** When what was bought stops to grant its plan, unless there is news by then. */
function end({ status, currentPeriodEnd, cancelAtPeriodEnd, pastDueAt, paidUntil }: Bought): number {
  const paid = Date.parse(paidUntil ?? "1970-01-01");
  if (status === "PAST_DUE") return Math.max(Date.parse(pastDueAt ?? currentPeriodEnd), paid) + KEPT;
  return status === "ACTIVE" || status === "TRIALING" ? Date.parse(currentPeriodEnd) + (cancelAtPeriodEnd ? 0 : KEPT) : paid;
}
export const hasItNow = (bought: Bought) => end(bought) > Date.now();
export function standing(bought: Bought | null | undefined, plan: string): string {
  if (!bought) return "You pay for nothing, and have what is free.";
  if (!hasItNow(bought)) return `${plan} ${NOT_NOW[bought.status]} You have what is free.`;
  if (bought.status === "PAST_DUE") return `${plan} is past due: a payment failed. Change the card by ${date(end(bought))} to keep it.`;
  if (bought.paidUntil) return `${plan} is over: a payment failed. You have what you paid for until ${date(bought.paidUntil)}.`;
  return `${bought.cancelAtPeriodEnd ? `${plan} is cancelled. You have it until` : `You have ${plan}. It is renewed on`} ${date(bought.currentPeriodEnd)}.`;
}
