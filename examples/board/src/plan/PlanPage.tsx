// What is paid for, and what of it is left. All that costs happens on pages of Stripe's, which lead back here.
import { useEffect } from "react";
import { useMutation, useQuery, useSubscription } from "urql";
import { problemOf } from "../api/errors";
import { graphql } from "../api/generated";
import { LONGEST } from "../session/session";
import { Failure, GoingButton, pausing, Problem } from "../ui/form";
import { Heading } from "../ui/router";
import { amount, date, hasItNow, METRICS, money, standing } from "./words";

const Plans = graphql(`
  query Plans { plans { key name price currency interval limits { metric limit } } }
`);
const Paying = graphql(`
  subscription Paying { billingSubscription { planKey status currentPeriodEnd cancelAtPeriodEnd pastDueAt paidUntil } }
`);
const Limits = graphql(`
  subscription Limits { usageLimits(orderBy: [{ metric: ASC }]) { nodes { metric limit used reserved remaining periodEnd } } }
`);
const Checkout = graphql(`
  mutation Checkout($input: CreateCheckoutSessionInput!) { session: createCheckoutSession(input: $input) { url } }
`);
const Portal = graphql(`
  mutation Portal($back: String!) { session: createBillingPortalSession(returnUrl: $back) { url } }
`);

export function PlanPage() {
  const [offer, ask] = useQuery({ query: Plans });
  const [paying, listen] = useSubscription({ query: Paying });
  const [usage, count] = useSubscription({ query: Limits });
  const [checkout, subscribe] = useMutation(Checkout);
  const [portal, manage] = useMutation(Portal);
  const limits = usage.data?.usageLimits?.nodes;
  const end = limits?.find(({ periodEnd }) => periodEnd)?.periodEnd;
  useEffect(() => { // a period that ends changes no row that would be told of
    const timer = setTimeout(count, Math.min(Math.max(Date.parse(end ?? "") - Date.now(), 1_000) || LONGEST, LONGEST));
    return () => clearTimeout(timer);
  }, [usage.data]);
  const bought = paying.data?.billingSubscription;
  const current = bought && hasItNow(bought) ? bought.planKey : "FREE";
  const error = offer.error ?? paying.error ?? usage.error;
  const busy = checkout.fetching || portal.fetching;
  const back = location.origin + location.pathname;
  const leave = ({ data }: { data?: { session: { url: string } | null } | undefined }) => { if (data?.session) location.assign(data.session.url); };
  const choose = async (planKey: typeof current) => leave(await subscribe({ input: { planKey, successUrl: `${back}?paid`, cancelUrl: back } }));
  const change = async () => leave(await manage({ back }));
  return (
    <>
      <Heading>Your plan</Heading>
      {error && <Failure error={error} retry={() => { ask({ requestPolicy: "network-only" }); listen(); count(); }} />}
      <section className="panel" aria-label="What you have" aria-busy={!(paying.data && limits) && !error}>
        <p role="status">
          {paying.data && standing(bought, offer.data?.plans?.find(({ key }) => key === bought?.planKey)?.name ?? "Your plan")}
          {location.search === "?paid" && current === "FREE" && " If you have just paid, it arrives here in a moment."}
        </p>
        <ul className="tiles" aria-label="What is left">
          {limits?.map(({ metric, limit, used, reserved, remaining, periodEnd }) => (
            <li key={metric}>
              <h2>{METRICS[metric]}</h2>
              <progress aria-label={`${METRICS[metric]}: used`} max={Number(limit) || 1} value={Number(used) + Number(reserved)} />
              <p>{amount(metric, remaining)} of {amount(metric, limit)} left</p>
              <small>{Number(reserved) > 0 && `${amount(metric, reserved)} held for what is under way. `}{periodEnd && `Counted anew on ${date(periodEnd)}.`}</small>
            </li>
          ))}
        </ul>
        {bought && <div><button type="button" {...pausing(busy, () => void change())}>Change card, cancel, see invoices</button></div>}
        <Problem>{problemOf(checkout.error ?? portal.error)}</Problem>
      </section>
      <ul className="tiles" aria-label="Plans">
        {offer.data?.plans?.map(({ key, name, price, currency, interval, limits }) => (
          <li key={key} className="panel" aria-current={key === current}>
            <h2>{name}{key === current && <small> is what you have</small>}</h2>
            <p>{money(price, currency)}{interval && ` a ${interval.toLowerCase()}`}</p>
            <ul>{limits.map(({ metric, limit }) => <li key={metric}>{METRICS[metric]}: {amount(metric, limit)}</li>)}</ul>
            {key !== current && key !== "FREE" && <GoingButton className="main" {...pausing(busy || !paying.data, () => void choose(key))}>{current === "FREE" ? "Subscribe to" : "Change to"} {name}</GoingButton>}
          </li>
        ))}
      </ul>
    </>
  );
}
