// Texts of models as Postgres can keep them, and as it counts them.

const PAIR = /[\uD800-\uDBFF][\uDC00-\uDFFF]/g;

/** With halves of characters and zero bytes replaced, which neither `text` nor `jsonb` can hold. */
export function keepable(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\uFFFD");
}

/** Any JSON with its texts so, and its keys as they are. */
export function keepableJson<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value), (_, each) => typeof each === "string" ? keepable(each) : each);
}

/** In code points. */
export function lengthOf(text: string): number {
  return text.length - (text.match(PAIR)?.length ?? 0);
}
