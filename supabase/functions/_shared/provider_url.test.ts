import assert from "node:assert/strict";
import { providerUrl } from "./provider_url.ts";

const USUAL = "https://api.courier.example";
const of = (value?: string) => providerUrl({ COURIER_API_BASE: value }, "COURIER_API_BASE", USUAL);

Deno.test("the usual address, unless the setting names another", () => {
  assert.equal(of(), USUAL);
  assert.equal(of(""), USUAL);
  assert.equal(of("https://eu.courier.example/v2/"), "https://eu.courier.example/v2");
  assert.equal(of("https://EU.courier.example"), "https://eu.courier.example");
});

Deno.test("plain HTTP is for this machine alone", () => {
  for (const host of ["127.0.0.1:54321", "localhost:54321", "[::1]:54321"]) {
    assert.equal(of(`http://${host}/providers/courier`), `http://${host}/providers/courier`);
  }
  for (
    const wrong of [
      "http://api.courier.example",
      "http://127.0.0.1.example.com",
      "http://localhost.example.com/",
      "http://10.0.0.1/",
      "ftp://127.0.0.1/",
      "file:///etc/passwd",
      "javascript:alert(1)",
      "127.0.0.1:54321",
      "/providers/courier",
      "nonsense",
    ]
  ) {
    const told = /^Error: COURIER_API_BASE (must begin with https|is no address of the form https)/;
    assert.throws(() => of(wrong), told, wrong);
  }
});

Deno.test("an address holds no secret and nothing that would be lost behind it", () => {
  for (const wrong of ["https://me:secret@a.example", "https://a.example/?key=1", "https://a.example/#top"]) {
    assert.throws(
      () => of(wrong),
      /without a (query: paths are put behind it|name, a password or a fragment)\.$/,
      wrong,
    );
  }
});
