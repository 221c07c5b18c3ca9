// Stripe's own check of a signature, under Deno: `constructEventAsync(body, header, secret, tolerance)`; prints the type of
// the event, or how it fails.
import Stripe from "stripe";

const [body, header, secret] = Deno.args;
try {
  const event = await new Stripe("sk_test_of_the_tests").webhooks.constructEventAsync(body, header, secret, 300);
  console.log(JSON.stringify({ type: event.type }));
} catch (error) {
  console.log(JSON.stringify({ failed: error.type ?? error.name }));
}
