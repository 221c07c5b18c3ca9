// What the platform's runtime gives a function and plain Deno does not: `EdgeRuntime.waitUntil`, limits, and an end that
// lets work go on for a moment. Loaded before the function, by `--preload`; TRIPGATE_EDGE_RUNTIME says its name and limits
// and is gone when the function looks.
//
// The wall clock is that of a request with all that it left behind its answer. From half of it on this process takes no new
// request, which whoever calls sees by a port of its own that closes; it then ends with the request, or at the limit, while
// a new process serves the others. The time
// of CPU is the process's, in equal parts those of the requests under way, so that it is exact for one alone; beyond its
// limit the platform ends the request, which is here only told.

import { AsyncLocalStorage } from "node:async_hooks";
import process from "node:process";
import { clearTimeout, setTimeout } from "node:timers";

interface Settings {
  name: string;
  open_port: number;
  wall_seconds: number;
  cpu_seconds: number;
  drain_seconds: number;
}

interface Work {
  id: string;
  began: number;
  cpuSeconds: number;
  told: boolean;
  /** The request itself, and what it left behind. */
  open: number;
  timers: ReturnType<typeof setTimeout>[];
  late: PromiseWithResolvers<Response>;
}

const VARIABLE = "TRIPGATE_EDGE_RUNTIME";
const FLUSH_SECONDS = 0.2;
const settings: Settings = JSON.parse(Deno.env.get(VARIABLE)!);
Deno.env.delete(VARIABLE);

const current = new AsyncLocalStorage<Work>();
const underWay = new Set<Work>();
// Open while new requests are taken. `shutdown` of the server would do, but breaks off bodies that are being read.
const open = Deno.listen({ hostname: "127.0.0.1", port: settings.open_port });
open.unref();
(async () => {
  for await (const connection of open) connection.close();
})().catch(() => {});
let retired = false;
let ending = false;
let cpuBefore = process.cpuUsage();

function begin(request?: Request): Work {
  account();
  const id = request?.headers.get("x-request-id") ?? "";
  const work: Work = {
    id,
    began: performance.now(),
    cpuSeconds: 0,
    told: false,
    open: 0,
    timers: [],
    late: Promise.withResolvers<Response>(),
  };
  // Timers alone keep no process running.
  for (
    const [seconds, act] of [[settings.wall_seconds / 2, retire], [settings.wall_seconds, () => tooLate(work)]] as const
  ) {
    const timer = setTimeout(act, seconds * 1000);
    timer.unref();
    work.timers.push(timer);
  }
  underWay.add(work);
  return work;
}

function over(work: Work): void {
  account();
  work.open -= 1;
  if (work.open > 0) return;
  work.timers.forEach(clearTimeout);
  underWay.delete(work);
  if (retired && underWay.size === 0) end("early_drop");
}

/** Give the CPU's time since the last look to those that were under way. */
function account(): void {
  const { user, system } = process.cpuUsage(cpuBefore);
  cpuBefore = process.cpuUsage();
  for (const work of underWay) {
    work.cpuSeconds += (user + system) / 1e6 / underWay.size;
    if (work.cpuSeconds > settings.cpu_seconds && !work.told) {
      work.told = true;
      tell("warn", work, `took more than ${settings.cpu_seconds} s of CPU: the platform would have ended it`, {
        cpu_seconds: Math.round(work.cpuSeconds * 1000) / 1000,
      });
    }
  }
}

/** Take no more requests; those that are there go on. */
function retire(): void {
  if (retired) return;
  retired = true;
  open.close();
}

function tooLate(work: Work): void {
  if (ending) return;
  tell("error", work, `was ended after ${settings.wall_seconds} s, as the platform does`);
  for (const each of underWay) {
    if (each !== work) tell("warn", each, "was ended with it, in the same process");
    each.late.resolve(limitExceeded());
  }
  end("wall_clock");
}

function limitExceeded(): Response {
  const message = "Function failed due to not having enough compute resources (please check logs)";
  return Response.json({ code: "WORKER_LIMIT", message }, {
    status: 546,
    headers: { "sb-error-code": "WORKER_LIMIT" },
  });
}

/** Tell the function that this is the end, let what it writes get out, and end. */
function end(reason: string): void {
  if (ending) return;
  ending = true;
  dispatchEvent(new CustomEvent("beforeunload", { detail: { reason } }));
  setTimeout(() => Deno.exit(0), underWay.size === 0 ? 0 : FLUSH_SECONDS * 1000);
}

async function drain(): Promise<void> {
  if (ending) return;
  retire();
  ending = true;
  dispatchEvent(new CustomEvent("beforeunload", { detail: { reason: "termination" } }));
  const until = performance.now() + settings.drain_seconds * 1000;
  while (underWay.size > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 10));
  for (const work of underWay) tell("warn", work, "was cut off: this process was to stop");
  Deno.exit(0);
}

function tell(level: "warn" | "error", work: Work, message: string, more: Record<string, unknown> = {}): void {
  const time = new Date().toISOString();
  console[level](JSON.stringify({ time, level, function: settings.name, request_id: work.id, message, ...more }));
}

function waitUntil(promise: Promise<unknown>): void {
  const work = current.getStore() ?? begin();
  work.open += 1;
  // Failures are the function's to notice: here they would end the process, with the work of others.
  Promise.resolve(promise).then(() => over(work), (error) => {
    tell("error", work, "work behind the answer failed", { error: String(error) });
    over(work);
  });
}
Object.defineProperty(globalThis, "EdgeRuntime", { value: { waitUntil }, configurable: true, writable: true });

type ServeHandler = (request: Request, info: Deno.ServeHandlerInfo<Deno.Addr>) => Response | Promise<Response>;

function watched(handler: ServeHandler): ServeHandler {
  return (request, info) => {
    const work = begin(request);
    work.open += 1;
    return current.run(work, async () => {
      try {
        const response = await Promise.race([handler(request, info), work.late.promise]);
        info.completed.then(() => over(work), () => over(work));
        return response;
      } catch (error) {
        over(work);
        throw error;
      }
    });
  };
}

const serve = Deno.serve;
// deno-lint-ignore no-explicit-any
Deno.serve = ((...given: any[]) => {
  const options = given.find((each) => typeof each === "object" && each !== null) ?? {};
  const handler = given.find((each) => typeof each === "function") ?? options.handler;
  const { handler: _, ...rest } = options;
  return serve(rest, watched(handler));
}) as typeof Deno.serve;

Deno.addSignalListener("SIGTERM", drain);
