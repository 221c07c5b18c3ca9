// One streamed chat completion: its text as it comes, its tool calls put together from their pieces, and what it took.

import { ApiError } from "../errors.ts";
import { noAnswer, type OpenAI, type Patience, patiently, REQUEST_NAME, sleep } from "./provider.ts";
import { bytesOf, toldUsage, type Usage } from "./usage.ts";

export type Message = OpenAI.Chat.ChatCompletionMessageParam;
type Chunk = OpenAI.Chat.ChatCompletionChunk;
type Delta = OpenAI.Chat.ChatCompletionChunk.Choice.Delta;
type ToolCallPiece = OpenAI.Chat.ChatCompletionChunk.Choice.Delta.ToolCall;
export type Request = Omit<OpenAI.Chat.ChatCompletionCreateParamsStreaming, "stream" | "stream_options">;

export interface ToolCall {
  id: string;
  name: string;
  /** As the model wrote it, which need not be JSON. */
  arguments: string;
}

export interface Completion {
  text: string;
  toolCalls: ToolCall[];
  /** Whether it had more to say than it may at once. */
  isCut: boolean;
}

/** What is known of a call while it runs, and when it has failed. */
export interface Progress {
  /** Whether the provider may have begun to answer: from then on it counts. */
  begun: boolean;
  bytes: number;
  usage: Usage | null;
}

/** Who is told the text. */
export interface Hearer {
  /** The next piece. */
  add: (piece: string) => void;
  /** All that had come was added, and nothing is read for a moment. */
  caughtUp: () => void;
}

export interface StreamLimits {
  /** What the provider is to call the request in its own records. */
  name: string;
  signal: AbortSignal;
  /** Until when something may begin, by `performance.now()`. */
  latest: number;
  /** How long nothing may come once something has. */
  stallSeconds: number;
  /** How long one waits, once all that is there was read, before one reads again. */
  paceMs: number;
  patience?: Patience;
}

// A model may think for long before it says anything; the run's own deadline ends that.
const MOST_TOOL_CALLS = 16;
// What is there is read faster than so.
const CAUGHT_UP_MS = 5;

/**
 * Ask for a completion and read it to its end; the hearer gets its text in pieces.
 *
 * `progress` is kept while it runs. Throws what the client throws, ApiError, or the signal's reason.
 */
export async function complete(
  client: OpenAI,
  request: Request,
  hearer: Hearer,
  progress: Progress,
  { name, signal, latest, stallSeconds, paceMs, patience }: StreamLimits,
): Promise<Completion> {
  const watch = new Watch(signal, stallSeconds);
  try {
    const { first, chunks } = await patiently(
      () => begin(client, request, progress, watch, name),
      { signal, latest },
      patience,
    );
    const assembly = new Assembly((piece) => hearer.add(piece), progress);
    let isLate = false;
    for (let next = first; !next.done;) {
      watch.touch();
      assembly.take(next.value);
      // Each waking for a piece costs more than the piece: what comes meanwhile is read together.
      if (isLate && !assembly.isOver) {
        hearer.caughtUp();
        await sleep(paceMs, watch.signal);
      }
      const before = performance.now();
      next = await chunks.next();
      isLate = performance.now() - before > CAUGHT_UP_MS;
    }
    watch.throwIfOver();
    return assembly.whole();
  } catch (error) {
    watch.throwIfOver();
    throw error;
  } finally {
    watch.end();
  }
}

/** The stream with its first chunk, before which nothing has come that could not be asked for again. */
async function begin(client: OpenAI, request: Request, progress: Progress, watch: Watch, name: string) {
  const body = { ...request, stream: true as const, stream_options: { include_usage: true } };
  const before = progress.begun;
  progress.begun = true;
  const stream = await client.chat.completions.create(body, { signal: watch.signal, headers: { [REQUEST_NAME]: name } })
    .catch((error) => {
      // It refused, or was not reached. What it did of a request that we gave up nobody says.
      if (!watch.signal.aborted) progress.begun = before;
      throw error;
    });
  const chunks = stream[Symbol.asyncIterator]();
  return { first: await chunks.next(), chunks };
}

/** Ends a stream that stands still, and knows why it ended: the client's iterator does not say. */
class Watch {
  private readonly own = new AbortController();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private touched = 0;
  readonly signal: AbortSignal;

  constructor(private readonly outer: AbortSignal, private readonly seconds: number) {
    this.signal = AbortSignal.any([outer, this.own.signal]);
  }

  /** Something came. A clock that is read costs less than a timer that is set, for each of thousands. */
  touch(): void {
    this.touched = performance.now();
    this.timer ??= setTimeout(() => this.look(), this.seconds * 1000);
  }

  throwIfOver(): void {
    this.outer.throwIfAborted();
    this.own.signal.throwIfAborted();
  }

  end(): void {
    clearTimeout(this.timer);
    // What still comes is not paid for.
    this.own.abort();
  }

  private look(): void {
    const left = this.touched + this.seconds * 1000 - performance.now();
    if (left > 0) this.timer = setTimeout(() => this.look(), left);
    else this.own.abort(noAnswer("the stream stood still"));
  }
}

class Assembly {
  private text = "";
  private finish: string | null = null;
  private readonly calls: ToolCall[] = [];

  constructor(private readonly onText: (piece: string) => void, private readonly progress: Progress) {}

  /** Whether nothing more is said. */
  get isOver(): boolean {
    return this.finish !== null;
  }

  take(chunk: Chunk): void {
    this.progress.usage = toldUsage(chunk.usage) ?? this.progress.usage;
    const [choice] = chunk.choices ?? [];
    if (!choice) return;
    this.finish = choice.finish_reason ?? this.finish;
    // Not in the types: what other providers call the thoughts that they show.
    const delta: (Delta & { reasoning_content?: string; reasoning?: string }) | undefined = choice.delta;
    if (!delta) return;
    for (const unseen of [delta.reasoning_content ?? delta.reasoning, delta.refusal]) {
      if (typeof unseen === "string") this.progress.bytes += bytesOf(unseen);
    }
    if (typeof delta.content === "string" && delta.content !== "") {
      this.progress.bytes += bytesOf(delta.content);
      this.text += delta.content;
      this.onText(delta.content);
    }
    for (const piece of delta.tool_calls ?? []) this.add(piece);
  }

  private add({ index, id, function: called }: ToolCallPiece): void {
    if (!Number.isInteger(index) || index < 0 || index >= MOST_TOOL_CALLS) {
      throw noAnswer(`a tool call of index ${index}`);
    }
    const call = this.calls[index] ??= { id: "", name: "", arguments: "" };
    // Its id and name come once, some providers repeat them; its arguments come in pieces.
    if (id) call.id = id;
    if (called?.name) call.name = called.name;
    call.arguments += called?.arguments ?? "";
    this.progress.bytes += bytesOf(`${called?.name ?? ""}${called?.arguments ?? ""}`);
  }

  /** Throws ApiError where it ended too early, or with nothing. */
  whole(): Completion {
    const toolCalls = this.calls.filter((call) => call !== undefined);
    if (this.finish === null) throw noAnswer("the stream ended too early");
    if (this.finish === "content_filter") {
      throw new ApiError("AI_PROVIDER_ERROR", "The AI's provider does not answer this.", { reason: "CONTENT_FILTER" });
    }
    if (this.text === "" && toolCalls.length === 0) throw noAnswer(`nothing was said, by reason of ${this.finish}`);
    toolCalls.forEach((call, index) => call.id ||= `call_${index}`);
    return { text: this.text, toolCalls, isCut: this.finish === "length" };
  }
}
