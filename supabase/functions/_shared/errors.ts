// Failures as the caller is told of them: `{ code, message }`, and `field` where one of the input's is to be changed, with
// the codes of the GraphQL API (docs/errors.md).

const STATUS = {
  BAD_USER_INPUT: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  CONFLICT: 409,
  RATE_LIMITED: 429,
  INTERNAL_SERVER_ERROR: 500,
  UPSTREAM_UNAVAILABLE: 503,
  TIMEOUT: 504,
} as const;

export type ErrorCode = keyof typeof STATUS;

/** A failure meant for the caller: all parts are shown as they are. */
export class ApiError extends Error {
  readonly code: ErrorCode;
  readonly field: string | undefined;

  constructor(code: ErrorCode, message: string, field?: string) {
    super(message);
    this.code = code;
    this.field = field;
  }

  get status(): number {
    return STATUS[this.code];
  }
}

interface DatabaseFailure {
  code?: string;
  message: string;
  hint?: string | null;
}

/**
 * What the caller is told about a failure of PostgREST, classified by `code`; `details` holds rows and is dropped.
 * `chosen` is the field that a conflict is about.
 */
export function databaseError(failure: DatabaseFailure, chosen?: string): ApiError {
  const code = failure.code ?? "";
  if (["PGRST301", "PGRST302", "PGRST303"].includes(code)) {
    return new ApiError("UNAUTHENTICATED", "The access token is not accepted. Sign in again.");
  }
  if (code === "42501") return new ApiError("FORBIDDEN", "You are not allowed to do this.");
  // Raised by the project's own functions, whose messages are written for people.
  if (code === "PT401") return new ApiError("UNAUTHENTICATED", sentence(failure));
  if (code === "PT404") return new ApiError("NOT_FOUND", sentence(failure));
  if (code === "PT409") return new ApiError("CONFLICT", sentence(failure), chosen);
  if (code === "PT429") return new ApiError("RATE_LIMITED", sentence(failure));
  if (code === "23505") return new ApiError("CONFLICT", "This already exists.");
  if (code.startsWith("22") || code.startsWith("23")) return new ApiError("BAD_USER_INPUT", "A value breaks a rule.");
  if (code === "57014" || code === "PGRST003") {
    return new ApiError("TIMEOUT", "The data service took too long. Try again.");
  }
  // Without a code there was no answer at all.
  if (code === "" || /^(PGRST00|08|53|57)/.test(code)) {
    return new ApiError("UPSTREAM_UNAVAILABLE", "The data service is not available right now. Try again shortly.");
  }
  console.error(`unexpected failure ${code}: ${failure.message}`);
  return new ApiError("INTERNAL_SERVER_ERROR", "Something went wrong.");
}

function sentence({ message, hint }: DatabaseFailure): string {
  const first = `${message.charAt(0).toUpperCase()}${message.slice(1)}.`;
  return hint ? `${first} ${hint}` : first;
}
