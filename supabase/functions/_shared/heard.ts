// Calls of the database that do no harm when they are done twice, asked again where no answer was heard.

import { type DatabaseFailure, isAway } from "./errors.ts";

const WAIT_SECONDS = [0.2, 1];

/**
 * Ask, and again after a moment where the database was not there or its answer was lost: by a connection that broke, or in a
 * process that stood still for longer than an answer is waited for. Answers what was said last.
 */
export async function heard<Said extends { error: DatabaseFailure | null }>(
  ask: () => PromiseLike<Said>,
): Promise<Said> {
  for (const wait of WAIT_SECONDS) {
    const said = await ask();
    if (said.error === null || !isAway(said.error)) return said;
    await new Promise((resolve) => setTimeout(resolve, wait * 1000));
  }
  return await ask();
}
