import assert from "node:assert/strict";
import { ApiError } from "./errors.ts";
import { returnOrigins, returnUrlOf } from "./return_urls.ts";

const ORIGINS = returnOrigins({ RETURN_ORIGINS: "https://trips.example, http://127.0.0.1:3000" });

Deno.test("an address of the application is taken as it is written", () => {
  for (
    const url of [
      "https://trips.example",
      "https://trips.example/plans?of=me#now",
      "https://trips.example/paid?session={CHECKOUT_SESSION_ID}",
      "HTTPS://TRIPS.EXAMPLE/paid",
      "https://trips.example:443/paid",
      "http://127.0.0.1:3000/plans",
    ]
  ) assert.equal(returnUrlOf({ url }, "url", ORIGINS), url);
});

Deno.test("nobody else's is, however it is written", () => {
  for (
    const url of [
      "https://evil.example/",
      "http://trips.example/",
      "https://trips.example:8443/",
      "https://trips.example.evil.example/",
      "https://evil.example/https://trips.example/",
      "https://trips.example@evil.example/",
      "https://x:y@trips.example/",
      "https://trips.example\\@evil.example/",
      "//trips.example/",
      "https:trips.example",
      "/plans",
      "javascript:alert(1)//https://trips.example",
      "data:text/html,x",
      " https://trips.example/",
      "https://trips.example/\n",
      "https://trips.examplé/",
      `https://trips.example/${"x".repeat(2048)}`,
      "",
      null,
      undefined,
      7,
      ["https://trips.example/"],
    ]
  ) {
    assert.throws(
      () => returnUrlOf({ url }, "url", ORIGINS),
      (error) => error instanceof ApiError && error.code === "BAD_USER_INPUT" && error.extensions.field === "url",
      String(url),
    );
  }
});

Deno.test("without a list it is the web application's own origin", () => {
  assert.deepEqual([...returnOrigins({ SITE_URL: "https://trips.example/app/" })], ["https://trips.example"]);
  assert.deepEqual([...returnOrigins({})], ["http://127.0.0.1:3000"]);
});

Deno.test("a list of anything but origins stops the start", () => {
  for (
    const list of [
      "*",
      "https://*.example",
      "trips.example",
      "https://trips.example/app",
      "https://a.example,",
      "file:///x",
    ]
  ) {
    assert.throws(() => returnOrigins({ RETURN_ORIGINS: list }), /RETURN_ORIGINS must be/, list);
  }
});
