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

/** Keeps what has come so far, and how many bytes flowed for it; whether the run goes on. */
export type Keep = (content: string, bytes: number) => Promise<boolean>;

export interface OutletLimits {
  deltaMs: number;
  checkpointMs: number;
}

const CHECKPOINT_MS = 1000;
const TELL_SECONDS = 5;

/** Broadcasts as Realtime takes them by HTTP, on a private topic that nobody else may send to. */
export function tellBy(url: string, key: string, fetcher: typeof fetch = fetch): Tell {
  const address = `${url}/realtime/v1/api/broadcast`;
  return async (run, payload) => {
    const messages = [{ topic: `ai_run:${run}`, event: "delta", private: true, payload }];
    const response = await fetcher(address, {
      method: "POST",
      headers: { "Content-Type": "application/json", apikey: key, [REQUEST_ID]: requestId() ?? "" },
      body: JSON.stringify({ messages }),
      signal: AbortSignal.timeout(TELL_SECONDS * 1000),
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`Realtime answered ${response.status}`);
  };
}

export class Outlet {
  private kept = "";
  private pieces = "";
  private pending = "";
  private offset = 0;
  private refused: { why: unknown } | null = null;
  private closed = false;
  private readonly wake = Promise.withResolvers<void>();
  private readonly timers = new Set<ReturnType<typeof setTimeout>>();
  private sending: Promise<void>;
  private keeping: Promise<void>;
  private warned = false;

  /**
   * `check` is asked of all text before it goes anywhere, and throws where it may not; `bytes` says how many have flowed;
   * `stopped` is called once the run goes on no longer, or with what `check` threw.
   */
  constructor(
    private readonly tell: (delta: Pick<Delta, "offset" | "text">) => Promise<void>,
    private readonly keep: Keep,
    private readonly check: (text: string) => void,
    private readonly bytes: () => number,
    private readonly stopped: (why?: unknown) => void,
    private readonly limits: OutletLimits = { deltaMs: 200, checkpointMs: CHECKPOINT_MS },
  ) {
    this.sending = this.every(this.limits.deltaMs, () => this.send());
    this.keeping = this.every(this.limits.checkpointMs, () => this.checkpoint());
  }

  /** All that came so far, as it may be kept. */
  get text(): string {
    this.gather();
    return this.kept;
  }

  /** A piece came. Thousands do: what is done with them is done together. */
  add(piece: string): void {
    this.pieces += piece;
  }

  /** Nothing comes any more: what is left goes out, and nothing is under way behind this. */
  async close(): Promise<void> {
    this.closed = true;
    this.wake.resolve();
    this.timers.forEach(clearTimeout);
    await Promise.all([this.sending, this.keeping]);
    await this.send();
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
      this.check(text);
    } catch (why) {
      this.refused = { why };
      this.stopped(why);
      return;
    }
    this.kept += text;
    this.pending += text;
  }

  private async every(ms: number, work: () => Promise<void>): Promise<void> {
    while (!this.closed) {
      await Promise.race([this.pause(ms), this.wake.promise]);
      if (!this.closed) await work();
    }
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.timers.delete(timer);
        resolve();
      }, ms);
      this.timers.add(timer);
    });
  }

  private async send(): Promise<void> {
    this.gather();
    if (this.pending === "") return;
    const { offset, pending: text } = this;
    this.pending = "";
    this.offset += lengthOf(text);
    try {
      await this.tell({ offset, text });
    } catch (error) {
      // Whoever follows sees the gap, and reads the row.
      if (!this.warned) log.warn("a piece of a message was not told", { error });
      this.warned = true;
    }
  }

  private async checkpoint(): Promise<void> {
    try {
      if (!await this.keep(this.text, this.bytes())) this.stopped();
    } catch (error) {
      // The lease holds for many of these.
      log.warn("a message was not kept yet", { error });
    }
  }
}
