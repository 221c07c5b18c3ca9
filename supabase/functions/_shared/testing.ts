// For the tests of functions: a caller's token, and an upstream that answers as it is told and keeps what it was sent.

import { endpoint, type Handler } from "./endpoint.ts";
import { type Services, servicesOf } from "./services.ts";

export const ADA = "ada00000-0000-4000-8000-000000000001";
export const ENVIRONMENT = {
  SUPABASE_URL: "http://supabase.test",
  SUPABASE_PUBLISHABLE_KEYS: '{"default":"sb_publishable_test"}',
  MAIL_URL: "http://mail.test/inbox",
  MAIL_TOKEN: "postage",
  SITE_URL: "https://trips.example/app",
};

export interface Sent {
  method: string;
  url: URL;
  headers: Headers;
  // deno-lint-ignore no-explicit-any
  body: any;
}

/** Answers by method and path, such as `"POST /rest/v1/invitations"`; anything else fails the test. */
export type Answers = Record<string, () => Response | Promise<Response>>;

/** A token as the platform lets it through; its signature is not the functions' concern. */
export function tokenOf(claims: Record<string, unknown>): string {
  const bytes = new TextEncoder().encode(JSON.stringify(claims));
  return `header.${btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_")}.signature`;
}

export const ADAS_TOKEN = tokenOf({ role: "authenticated", sub: ADA, email: "ada@tripgate.example" });

/** Call a function with a body as Ada would, or with other headers; the answer and what went upstream. */
export async function call(
  handler: Handler<Services>,
  body: unknown,
  answers: Answers = {},
  init: RequestInit = {},
): Promise<{ status: number; headers: Headers; body: Record<string, unknown>; sent: Sent[] }> {
  const sent: Sent[] = [];
  const upstream: typeof fetch = async (input, options) => {
    const request = new Request(input, options);
    const url = new URL(request.url);
    const text = await request.text();
    sent.push({ method: request.method, url, headers: request.headers, body: text && JSON.parse(text) });
    const answer = answers[`${request.method} ${url.pathname}`];
    if (!answer) throw new TypeError(`connection refused: ${request.method} ${url.pathname}`);
    return answer();
  };
  const response = await endpoint(handler, servicesOf(ENVIRONMENT, upstream))(
    new Request("http://functions.test/name", {
      method: "POST",
      headers: { Authorization: `Bearer ${ADAS_TOKEN}` },
      body: typeof body === "string" ? body : JSON.stringify(body),
      ...init,
    }),
  );
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : {}, sent };
}
