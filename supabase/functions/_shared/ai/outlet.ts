// A message on its way out while it is written: what came within a moment goes out as one broadcast, and the row is brought
// up to date every second, which also says whether the run goes on.

import { log, REQUEST_ID, requestId } from "../log.ts";
import { keepable, lengthOf } from "./texts.ts";

/** Tells those who follow a run of a piece of a message; `offset` is in code points. */
export type Tell = (run: string, delta: Delta) => Promise<void>;

export interface Delta {
  message_id: string;
  sequence: number;
  offset: number;
  text: string;
  at: string;
}

/** What a message is handed on to. */
export interface Ways {
  tell: (delta: Pick<Delta, "offset" | "text">) => Promise<void>;
  /** Keeps what has come so far; whether the run goes on. */
  keep: (content: string) => Promise<boolean>;
  /** Is asked of all text before it goes anywhere, and throws where it may not. */
  check: (text: string) => void;
  /** Is called once the run goes on no longer, or with what `check` threw. */
  stopped: (why?: unknown) => void;
}

export interface OutletLimits {
  /** Between two broadcasts. */
  deltaMs: number;
  checkpointMs: number;
}

const TELL_SECONDS = 5;
// Whoever reads says when it has read what was there; this long it may take to see that.
const TOGETHER_MS = 50;

/** Broadcasts as Realtime takes them by HTTP, on a private topic that nobody else may send to. */
export function tellBy(url: string, key: string, fetcher: typeof fetch = fetch): Tell {
  const address = `${url}/realtime/v1/api/broadcast`;
  return async (run, payload) => {
    const messages = [{ topic: `ai_run:${run}`, event: "delta", private: true, payload }];
    // `AbortSignal.timeout` would wake for each of hundreds that are long over.
    const late = new AbortController();
    const timer = setTimeout(
      () => late.abort(new DOMException("Realtime is late", "TimeoutError")),
      TELL_SECONDS * 1000,
    );
    try {
      const response = await fetcher(address, {
        method: "POST",
        headers: { "Content-Type": "application/json", apikey: key, [REQUEST_ID]: requestId() ?? "" },
        body: JSON.stringify({ messages }),
        signal: late.signal,
      });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`Realtime answered ${response.status}`);
    } finally {
      clearTimeout(timer);
    }
  };
}

export class Outlet {
  private pieces = "";
  private kept = "";
  private pending = "";
  private offset = 0;
  private closed = false;
  private refused: { why: unknown } | null = null;
  private warned = false;
  private telling: Promise<void> = Promise.resolve();
  private keeping: Promise<void> = Promise.resolve();
  private tellTimer: ReturnType<typeof setTimeout> | undefined;
  private keepTimer: ReturnType<typeof setTimeout> | undefined;
  private isTelling = false;
  /** From when on the next may go out. */
  private due = -Infinity;

  constructor(private readonly ways: Ways, private readonly limits: OutletLimits) {
    this.keepLater();
  }

  /** All that came so far, as it may be kept. */
  get text(): string {
    this.gather();
    return this.kept;
  }

  /** A piece came. Thousands do: what is done with them is done together. */
  add(piece: string): void {
    this.pieces += piece;
    this.tellLater();
  }

  /** All that was there has been added: it goes out at once, unless something just did. A timer would wake for it once more. */
  caughtUp(): void {
    if (this.tellTimer === undefined || this.isTelling || performance.now() < this.due) return;
    clearTimeout(this.tellTimer);
    this.tellNow();
  }

  /** Nothing comes any more: what is left goes out, and nothing is under way behind this. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.tellTimer);
    clearTimeout(this.keepTimer);
    await Promise.all([this.telling, this.keeping]);
    await this.tell();
  }

  /** Throws what `check` threw. */
  throwIfRefused(): void {
    if (this.refused !== null) throw this.refused.why;
  }

  /** Half a character is held until its other half comes; what Postgres cannot keep is replaced. */
  private gather(): void {
    if (this.refused !== null || this.pieces === "") return;
    const half = !this.closed && /[\uD800-\uDBFF]$/.test(this.pieces) ? 1 : 0;
    const text = keepable(this.pieces.slice(0, this.pieces.length - half));
    this.pieces = this.pieces.slice(this.pieces.length - half);
    try {
      this.ways.check(text);
    } catch (why) {
      this.refused = { why };
      this.ways.stopped(why);
      return;
    }
    this.kept += text;
    this.pending += text;
  }

  private tellLater(): void {
    if (this.tellTimer !== undefined || this.closed) return;
    const wait = Math.max(TOGETHER_MS, this.due - performance.now());
    this.tellTimer = setTimeout(() => this.tellNow(), wait);
  }

  private tellNow(): void {
    this.due = performance.now() + this.limits.deltaMs;
    this.isTelling = true;
    this.telling = this.tell().then(() => {
      this.isTelling = false;
      this.tellTimer = undefined;
      if (this.pieces !== "" && this.refused === null) this.tellLater();
    });
  }

  private keepLater(): void {
    this.keepTimer = setTimeout(() => {
      this.keeping = this.keep().then(() => {
        if (!this.closed) this.keepLater();
      });
    }, this.limits.checkpointMs);
  }

  private async tell(): Promise<void> {
    this.gather();
    if (this.pending === "") return;
    const { offset, pending: text } = this;
    this.pending = "";
    this.offset += lengthOf(text);
    try {
      await this.ways.tell({ offset, text });
    } catch (error) {
      // Whoever follows sees the gap, and reads the row.
      if (!this.warned) log.warn("a piece of a message was not told", { error });
      this.warned = true;
    }
  }

  private async keep(): Promise<void> {
    try {
      if (!await this.ways.keep(this.text)) this.ways.stopped();
    } catch (error) {
      // The lease holds for many of these.
      log.warn("a message was not kept yet", { error });
    }
  }
}
