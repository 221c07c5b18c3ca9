// The settings of functions: declared in settings.json, for whoever runs them and for the embedded Supabase alike, and
// checked when a function starts.

import declared from "../settings.json" with { type: "json" };
import { hide, SHORTEST_SECRET } from "./log.ts";

/** One setting, as settings.json declares it. */
export interface Declaration {
  /** Names of functions, or `*` for all. */
  functions: string[];
  description: string;
  /** Secrets are written in no log. */
  secret?: boolean;
  required?: boolean;
  /** `service_url` is what is called: over HTTPS, or on this machine; `link_url` is for people. */
  kind?: "text" | "service_url" | "link_url";
  /** In characters; of secrets 8 unless it is said. */
  min_length?: number;
  default?: string;
  /** What the embedded Supabase gives where nothing is set. */
  local?: string;
}

export type Environment = Record<string, string | undefined>;

const SETTINGS: Record<string, Declaration> = declared as Record<string, Declaration>;
const PLATFORM_SECRETS = ["SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_DB_URL"];
// As tripgate/local/functions/declarations.py has it: no name, no password, no fragment, nothing that is not seen.
const ADDRESS =
  // deno-lint-ignore no-control-regex
  /^(https?):\/\/([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:[/?][^\x00-\x20#\\\x7f]*)?$/;
const THIS_MACHINE = ["localhost", "127.0.0.1", "[::1]"];

/**
 * The environment as a function may use it: what it declares is right, or its default; empty is unset.
 *
 * Throws an Error that says all that is wrong and what to do, and no value. From then on secrets are in no log.
 */
export function settingsOf(name: string, env: Environment = Deno.env.toObject()): Environment {
  hide(secretsOf(env));
  const mistakes = mistakesOf(name, env);
  if (mistakes.length > 0) {
    const todo = "Set them with `supabase secrets set NAME=value`, and on your machine in supabase/functions/.env.";
    throw new Error([`The settings of ${name} do not allow a start.`, ...mistakes, todo].join("\n"));
  }
  const defaults = Object.entries(SETTINGS).filter(([key, each]) => isOf(name, each) && !env[key])
    .map(([key, each]) => [key, each.default]);
  return { ...env, ...Object.fromEntries(defaults) };
}

/** A sentence for each setting of a function that is missing or wrong. */
export function mistakesOf(name: string, env: Environment, settings = SETTINGS): string[] {
  return Object.entries(settings)
    .filter(([, each]) => isOf(name, each))
    .flatMap(([key, declaration]) => mistakeOf(key, env[key], declaration) ?? []);
}

function isOf(name: string, { functions }: Declaration): boolean {
  return functions.includes("*") || functions.includes(name);
}

function mistakeOf(key: string, value: string | undefined, declaration: Declaration): string | null {
  const { required = false, kind = "text", secret = false } = declaration;
  // A shorter one could not be kept out of the log without taking words out of sentences, and would be guessed.
  const min_length = declaration.min_length ?? (secret ? SHORTEST_SECRET : 1);
  if (!value) return required ? `${key} is not set: ${declaration.description}` : null;
  if ([...value].length < min_length) return `${key} is too short: it has at least ${min_length} characters.`;
  return kind === "text" ? null : mistakeOfAddress(key, value, kind);
}

/** What is wrong with an address of this kind, as a sentence that does not repeat it. */
export function mistakeOfAddress(key: string, value: string, kind: "service_url" | "link_url"): string | null {
  const [, scheme, host = ""] = ADDRESS.exec(value) ?? [];
  if (!scheme) return `${key} is no address of the form https://host/path, without a name, a password or a fragment.`;
  if (kind === "service_url" && scheme !== "https" && !THIS_MACHINE.includes(host)) {
    return `${key} must begin with https://, unless it leads to this machine (localhost, 127.0.0.1, [::1]).`;
  }
  return null;
}

function secretsOf(env: Environment): string[] {
  const keys: Record<string, string> = JSON.parse(env.SUPABASE_SECRET_KEYS || "{}");
  const names = [...PLATFORM_SECRETS, ...Object.keys(SETTINGS).filter((name) => SETTINGS[name]!.secret)];
  return [...Object.values(keys), ...names.map((name) => env[name] ?? "")];
}
