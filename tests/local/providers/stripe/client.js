// Stripe's own client library, unmodified, against the fake. Called with the fake's address and a list of calls,
// `[[path, …arguments], …]`; prints what each resolves to, or how it fails, as one line of JSON.
import Stripe from "stripe";

const [base, calls] = [Deno.args[0], JSON.parse(Deno.args[1])];
const url = new URL(base);
const seen = [];
const stripe = new Stripe("sk_test_of_the_tests", {
  host: url.hostname,
  port: url.port,
  protocol: "http",
  maxNetworkRetries: 0,
  telemetry: false,
  // The library knows hosts and no paths: the fake's own is put before.
  httpClient: Stripe.createFetchHttpClient((input, init) => {
    const asked = new URL(input);
    return fetch(url.origin + url.pathname + asked.pathname + asked.search, init);
  }),
});
stripe.on("response", (response) => seen.push(response.status));

const results = [];
// An argument "$3.data.0.id" is a part of what call 3 gave.
const filled = (value) => {
  if (typeof value === "string" && value.startsWith("$")) {
    return value.slice(1).split(".").reduce((part, name) => part[name], results);
  }
  if (Array.isArray(value)) return value.map(filled);
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, filled(each)]));
  }
  return value;
};

for (const [path, ...given] of calls) {
  const names = path.split(".");
  const method = names.pop();
  const owner = names.reduce((part, name) => part[name], stripe);
  try {
    if (method === "together") {
      const [times, inner, ...args] = given;
      const innerNames = inner.split(".");
      const innerMethod = innerNames.pop();
      const innerOwner = innerNames.reduce((part, name) => part[name], stripe);
      const settled = await Promise.allSettled(
        Array.from({ length: times }, () => innerOwner[innerMethod](...filled(args))),
      );
      results.push(settled.map((each) => each.status === "fulfilled" ? each.value : failure(each.reason)));
    } else if (method === "autoPagingToArray") {
      const [inner, args, options] = given;
      results.push(await owner[inner](filled(args)).autoPagingToArray(options));
    } else {
      const result = await owner[method](...filled(given));
      results.push(
        result.lastResponse === undefined
          ? result
          : { ...result, $headers: Object.fromEntries(result.lastResponse.headers) },
      );
    }
  } catch (error) {
    results.push(failure(error));
  }
}
console.log(JSON.stringify({ results, seen }));

function failure(error) {
  const { type, statusCode, code, param, message, requestId, headers } = error;
  return { failed: type ?? error.name, statusCode, code, param, message, requestId, retry: headers?.["stripe-should-retry"] };
}
