// Keeps a run's instructions out of what it says: nobody is shown more of them, word for word, than the smallest part that
// is looked for. What is told in other words is not seen, so instructions hold no secrets.

import { noAnswer } from "./provider.ts";

// In characters of letters, digits and single blanks: about ten words, which nobody says by chance.
const WINDOW = 60;
// JSON says the same in many ways, and whoever reads it sees what it means.
const ESCAPE = /\\(?:u([0-9a-f]{4})|["\\/bfnrt])/gi;
const PART_OF_ESCAPE = /\\(?:u[0-9a-f]{0,3})?$/i;

/** Looks for parts of some instructions in a text that comes in pieces. */
export class PromptGuard {
  private readonly windows = new Set<string>();
  private tail = "";
  private part = "";

  constructor(instructions: string) {
    const plain = plainOf(instructions);
    for (let start = 0; start + WINDOW <= plain.length; start += 1) {
      this.windows.add(plain.slice(start, start + WINDOW));
    }
  }

  /** Throws ApiError once a part of them is whole, with what came before. */
  check(piece: string): void {
    const came = this.part + piece;
    this.part = PART_OF_ESCAPE.exec(came)?.[0] ?? "";
    const text = plainOf(this.tail + unescaped(came.slice(0, came.length - this.part.length)));
    for (let start = 0; start + WINDOW <= text.length; start += 1) {
      if (this.windows.has(text.slice(start, start + WINDOW))) throw noAnswer("it repeated its instructions");
    }
    this.tail = text.slice(1 - WINDOW);
  }

  /** Another text begins. */
  reset(): void {
    this.tail = "";
    this.part = "";
  }
}

function unescaped(text: string): string {
  return text.replace(ESCAPE, (_, hex?: string) => hex === undefined ? " " : String.fromCharCode(parseInt(hex, 16)));
}

function plainOf(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ");
}
