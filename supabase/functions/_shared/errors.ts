// Failures as the caller is told of them: `{ code, message, extensions }`, with the codes of the GraphQL API
// (docs/errors.md); `extensions.field` where one of the input's is to be changed, `extensions.reason` of a CONFLICT.

import { log } from "./log.ts";

const STATUS = {
  BAD_USER_INPUT: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  REQUEST_TIMEOUT: 408,
  CONFLICT: 409,
  PAYLOAD_TOO_LARGE: 413,
  RATE_LIMITED: 429,
  INTERNAL_SERVER_ERROR: 500,
  NOT_ENABLED: 501,
  UPSTREAM_UNAVAILABLE: 503,
  TIMEOUT: 504,
  USAGE_LIMIT_EXCEEDED: 402,
  INSUFFICIENT_CREDITS: 402,
  PLAN_FULL: 409,
  MEETING_FULL: 409,
  RECIPIENT_OPTED_OUT: 409,
  TEMPLATE_REQUIRED: 409,
  AI_PROVIDER_ERROR: 502,
  AI_RATE_LIMITED: 429,
} as const;

/** More for programs; with a CONFLICT stands why, one of the reasons that docs/errors.md lists. */
export type Extensions = Record<string, unknown>;

export type ErrorCode = keyof typeof STATUS;

/** A failure meant for the caller: all parts are shown as they are. */
export class ApiError extends Error {
  readonly code: ErrorCode;
  readonly extensions: Extensions;

  constructor(code: ErrorCode, message: string, extensions: Extensions = {}) {
    super(message);
    this.code = code;
    this.extensions = extensions;
  }

  /** Whether the code is one of the list: what came from elsewhere and was cast may be another. */
  get isPublic(): boolean {
    return Object.hasOwn(STATUS, this.code);
  }

  get status(): number {
    return STATUS[this.code];
  }
}

/** The same with `extensions.field` as the function's input names it, where the database has another name for it. */
export function renamed(failure: ApiError, names: Record<string, string>): ApiError {
  const { field } = failure.extensions;
  if (typeof field !== "string" || !Object.hasOwn(names, field)) return failure;
  return new ApiError(failure.code, failure.message, { ...failure.extensions, field: names[field] });
}

export interface DatabaseFailure {
  code?: string;
  message: string;
  hint?: string | null;
}

/** What the caller is told about a failure of PostgREST, classified by `code`; `details` holds rows and is dropped. */
export function databaseError(failure: DatabaseFailure): ApiError {
  const code = failure.code ?? "";
  const refused = refusalOf(failure);
  if (refused) return refused;
  if (["PGRST301", "PGRST302", "PGRST303"].includes(code)) {
    return new ApiError("UNAUTHENTICATED", "The access token is not accepted. Sign in again.");
  }
  if (code === "42501") return new ApiError("FORBIDDEN", "You are not allowed to do this.");
  // Raised by functions that know no private.refuse, with messages that are written for people.
  if (code === "PT401") return new ApiError("UNAUTHENTICATED", sentence(failure));
  if (code === "PT404") return new ApiError("NOT_FOUND", sentence(failure));
  if (code === "PT429") return new ApiError("RATE_LIMITED", sentence(failure));
  if (code === "23505") return new ApiError("CONFLICT", "This already exists.", { reason: "ALREADY_EXISTS" });
  // Postgres has undone it, since somebody wrote the same rows at the same moment.
  if (code === "40001" || code === "40P01") {
    const message = "This was changed at the same moment, so nothing was done. Try again.";
    return new ApiError("CONFLICT", message, { reason: "WRITTEN_AT_ONCE" });
  }
  if (code.startsWith("22") || code.startsWith("23")) return new ApiError("BAD_USER_INPUT", "A value breaks a rule.");
  if (code === "57014" || code === "PGRST003") {
    return new ApiError("TIMEOUT", "The data service took too long. Try again.");
  }
  if (isAway(failure)) {
    return new ApiError("UPSTREAM_UNAVAILABLE", "The data service is not available right now. Try again shortly.");
  }
  log.error("unexpected failure of the database", { sqlstate: code, said: failure.message });
  return new ApiError("INTERNAL_SERVER_ERROR", "Something went wrong.");
}

/** Whether it was not there, or nothing was heard of it: without a code there was no answer at all. */
export function isAway({ code = "" }: DatabaseFailure): boolean {
  return code === "" || /^(PGRST00[^3]|08|53|57(?!014))/.test(code);
}

/** What `private.refuse` said, whose hint is the extensions as the text of a JSON object. */
function refusalOf({ code, message, hint }: DatabaseFailure): ApiError | null {
  if (!code || !Object.hasOwn(STATUS, code) || !hint) return null;
  try {
    const extensions = JSON.parse(hint);
    if (typeof extensions !== "object" || extensions === null || Array.isArray(extensions)) return null;
    return new ApiError(code as ErrorCode, message, extensions);
  } catch {
    return null;
  }
}

function sentence({ message, hint }: DatabaseFailure): string {
  const first = `${message.charAt(0).toUpperCase()}${message.slice(1)}.`;
  return hint ? `${first} ${hint}` : first;
}
