// What an answer's errors mean to a person. Codes and fields: docs/errors.md.
import type { CombinedError } from "urql";

/** A sentence for each field that has one; `form` is about none of them. */
export type Problems = { [field: string]: string };

export function problemsOf(error: CombinedError | undefined, fields: readonly string[]): Problems {
  const problems: Problems = {};
  if (error?.networkError) problems["form"] = "The server cannot be reached. Try again in a moment.";
  for (const { message, extensions } of error?.graphQLErrors ?? []) {
    const field = String(extensions["field"]);
    problems[fields.includes(field) ? field : "form"] ??= sentence(String(extensions["code"]), message);
  }
  return problems;
}

export function problemOf(error: CombinedError | undefined): string | undefined {
  return problemsOf(error, [])["form"];
}

export function hasCode(error: CombinedError | undefined, code: string): boolean {
  return error?.graphQLErrors.some(({ extensions }) => extensions["code"] === code) ?? false;
}

function sentence(code: string, message: string): string {
  switch (code) {
    case "FORBIDDEN":
      return "You may see this, but not change it. Ask the trip's owner.";
    case "NOT_FOUND":
      return "This is not there any more.";
    case "RATE_LIMITED":
    case "OVERLOADED":
      return "Too much at once. Wait a moment and try again.";
    case "TIMEOUT":
    case "UPSTREAM_UNAVAILABLE":
    case "INTERNAL_SERVER_ERROR":
      return "That went wrong on our side. Try again in a moment.";
    default:
      return message; // made for people, as all messages of BAD_USER_INPUT and CONFLICT are
  }
}
