// Meta's Graph API, as far as one message is sent by it. It knows no key of idempotency, so what matters of an answer is
// whether the message may have left: where that is not certain it is never sent again.

import { fetchOnce } from "../fetch_once.ts";
import { log } from "../log.ts";
import { providerUrl } from "../provider_url.ts";
import type { Environment } from "../settings.ts";

const SECONDS = 20;
const LONGEST_ANSWER = 64 * 1024;
const LONGEST_WAIT = 3600;
// Of a failed connection, in Deno's words: by then nothing of the request has left.
const NOT_CONNECTED = "client error (Connect)";

/** A message as it leaves: free text, or a template that Meta has approved. */
export interface Outgoing {
  /** Ours, which comes back with each status. */
  id: string;
  /** A number with its country, or the id that somebody without a number has to this business. */
  to: string;
  kind: "text" | "template";
  body?: string | null;
  template?: string | null;
  language?: string | null;
  components?: unknown[] | null;
}

/**
 * What became of a request.
 *
 * `accepted`: Meta has it. `failed`, `template_required`, `marketing_stopped`: it does not take it. `throttled`: not now, and
 * nothing has left. `unknown`: it may have left. `code` is Meta's number, or a word of ours where there is none.
 */
export type Sent =
  | { outcome: "accepted"; wamid: string }
  | { outcome: "failed" | "template_required" | "marketing_stopped" | "unknown"; code: string }
  | { outcome: "throttled"; code: string; retrySeconds: number };

/** How long to wait where Meta says that it is too much now, or that it works on itself. */
const LATER: Readonly<Record<string, number>> = {
  "4": 60, // calls of the app
  "80007": 60, // calls of the account
  "130429": 5, // messages a second
  "131048": 3600, // too many were blocked or reported
  "131056": 6, // to the same person
  "131057": 300, // the account is being maintained
};
/** Ours to mend while people's messages wait: the token, its rights, the account and how it is paid. */
const OURS = new Set(["0", "3", "10", "190", "368", "131005", "131031", "131042", "133010"]);
const OURS_SECONDS = 300;

/** The id of our number at Meta. Throws an Error where the setting is none. */
export function senderOf(env: Environment): string {
  const { WHATSAPP_PHONE_NUMBER_ID: sender = "" } = env;
  if (!/^\d{1,32}$/.test(sender)) throw new Error("WHATSAPP_PHONE_NUMBER_ID is the number's id at Meta: digits alone");
  return sender;
}

export class Graph {
  private readonly url: string;

  /** Throws an Error where the settings make no sense. */
  constructor(
    private readonly env: Environment,
    private readonly fetcher: typeof fetch = fetchOnce,
    private readonly seconds = SECONDS,
  ) {
    const base = providerUrl(env, "WHATSAPP_API_BASE", "https://graph.facebook.com");
    const { WHATSAPP_API_VERSION: version = "" } = env;
    if (!/^v\d{1,3}\.\d{1,2}$/.test(version)) throw new Error("WHATSAPP_API_VERSION is no version, such as v26.0");
    const sender = senderOf(env);
    this.url = `${base}/${version}/${sender}/messages`;
  }

  /** Ask once for a message to be sent. It never throws. */
  async send(message: Outgoing): Promise<Sent> {
    let status = 0;
    try {
      const response = await this.fetcher(this.url, {
        method: "POST",
        headers: {
          "Authorization": `Bearer ${this.env.WHATSAPP_ACCESS_TOKEN}`,
          "Content-Type": "application/json",
        },
        body: JSON.stringify(requestOf(message)),
        // Whoever is sent elsewhere would take the message and the token there.
        redirect: "manual",
        signal: AbortSignal.timeout(this.seconds * 1000),
      });
      status = response.status;
      const wait = Number(response.headers.get("Retry-After") ?? NaN);
      const sent = sentOf(status, jsonOf(await textOf(response)), wait);
      if (sent.outcome !== "accepted") {
        log[isOurs(sent.code) ? "error" : "warn"]("Meta took no message", { ...sent, status });
      }
      return sent;
    } catch (error) {
      const sent = failureOf(error, status);
      log.warn("Meta did not answer", { ...sent, error });
      return sent;
    }
  }
}

/** The body of a request, in Meta's form. */
export function requestOf(message: Outgoing): Record<string, unknown> {
  const { id, to, kind, body, template, language, components } = message;
  const recipient = /^\+?\d+$/.test(to) ? { to } : { recipient: to };
  const content = kind === "text"
    ? { type: "text", text: { body, preview_url: false } }
    : { type: "template", template: { name: template, language: { code: language }, components: components ?? [] } };
  return {
    messaging_product: "whatsapp",
    recipient_type: "individual",
    ...recipient,
    ...content,
    biz_opaque_callback_data: id,
  };
}

/** What an answer says; `wait` is its `Retry-After` in seconds, or NaN. */
export function sentOf(status: number, body: unknown, wait = NaN): Sent {
  if (status >= 200 && status < 300) {
    const wamid = at(at(at(body, "messages"), 0), "id");
    const isOne = typeof wamid === "string" && wamid !== "" && wamid.length <= 512;
    return isOne ? { outcome: "accepted", wamid } : { outcome: "unknown", code: "NO_ID" };
  }
  const said = at(at(body, "error"), "code");
  const code = typeof said === "number" || typeof said === "string" && /^\d{1,9}$/.test(said) ? String(said) : null;
  // What broke there, or on the way, may have been after the message had left.
  if (status < 400 || status >= 500 || status === 408) return { outcome: "unknown", code: code ?? `HTTP_${status}` };
  if (code === null && status !== 429) return { outcome: "failed", code: `HTTP_${status}` };
  if (code === "131047") return { outcome: "template_required", code };
  if (code === "131050") return { outcome: "marketing_stopped", code };
  const later = isOurs(code) ? OURS_SECONDS : status === 429 ? LATER[code ?? ""] ?? 60 : LATER[code ?? ""];
  if (later === undefined) return { outcome: "failed", code: code! };
  const retrySeconds = Math.min(Math.max(later, wait > 0 ? Math.ceil(wait) : 0), LONGEST_WAIT);
  return { outcome: "throttled", code: code ?? `HTTP_${status}`, retrySeconds };
}

function isOurs(code: string | null): boolean {
  return code !== null && (OURS.has(code) || /^2\d\d$/.test(code));
}

function failureOf(error: unknown, status: number): Sent {
  const { name = "", message = "", cause = null } = error instanceof Error ? error : {};
  // Older versions say it themselves, newer ones by their cause.
  const words = [message, cause instanceof Error ? cause.message : ""];
  if (status === 0 && words.some((each) => each.includes(NOT_CONNECTED))) {
    return { outcome: "throttled", code: "NOT_CONNECTED", retrySeconds: 0 };
  }
  return { outcome: "unknown", code: name === "TimeoutError" ? "TIMEOUT" : "NO_ANSWER" };
}

async function textOf(response: Response): Promise<string> {
  const text = new TextDecoder();
  let read = "";
  for await (const chunk of response.body ?? []) {
    read += text.decode(chunk, { stream: true });
    if (read.length > LONGEST_ANSWER) break;
  }
  return read + text.decode();
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function at(value: unknown, key: string | number): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string | number, unknown>)[key]
    : undefined;
}
