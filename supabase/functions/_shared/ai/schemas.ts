// What models are asked to fill in, and whether they did: arguments of tools, and answers that programs read.

import { z } from "npm:zod@4.6.7";
import { ApiError } from "../errors.ts";
import { keepable } from "./texts.ts";

export { z };

const MOST_COMPLAINTS = 5;
// Bounds that providers' strict modes refuse, or do not keep: we check them ourselves.
const BOUNDS = ["minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems", "pattern", "format", "$schema"];

/** A schema as providers take it: every key is there, and no other. */
export function wireSchema(schema: z.ZodType): Record<string, unknown> {
  return z.toJSONSchema(schema, {
    io: "input",
    override: ({ jsonSchema }) => {
      for (const bound of BOUNDS) delete (jsonSchema as Record<string, unknown>)[bound];
      if (jsonSchema.properties) {
        jsonSchema.required = Object.keys(jsonSchema.properties);
        jsonSchema.additionalProperties = false;
      }
    },
  }) as Record<string, unknown>;
}

/** What a model wrote, read by a schema; or what is wrong with it, in a sentence for the model. */
export function readJson<Schema extends z.ZodType>(
  text: string,
  schema: Schema,
): { value: z.infer<Schema> } | { wrong: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { wrong: "It is not JSON." };
  }
  const read = schema.safeParse(json);
  if (read.success) return { value: read.data };
  const complaints = read.error.issues.slice(0, MOST_COMPLAINTS)
    .map(({ path, message }) => `${path.join(".") || "It"}: ${message}.`);
  return { wrong: complaints.join(" ") };
}

/** One of the input's fields, whose texts can be kept. Throws ApiError, that names it. */
export function fieldOf<Schema extends z.ZodType>(
  input: Record<string, unknown>,
  field: string,
  schema: Schema,
  expected: string,
): z.infer<Schema> {
  const read = schema.safeParse(input[field] ?? undefined);
  if (!read.success || typeof read.data === "string" && read.data !== keepable(read.data)) {
    throw new ApiError("BAD_USER_INPUT", expected, { field });
  }
  return read.data;
}

export const ID = z.guid();

/** What whoever asks twice calls one piece of work, or a name of its own. Throws ApiError. */
export function idempotencyKeyOf(input: Record<string, unknown>): string {
  const key = z.string().min(1).max(200).optional();
  return fieldOf(input, "idempotency_key", key, "A key has 1 to 200 whole characters.") ?? crypto.randomUUID();
}
