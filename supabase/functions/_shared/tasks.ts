// Functions that do tasks (docs/jobs.md): woken by a request, they claim what is due, do it, and say so, until nothing is
// due or their time is over. The rest waits for the next that wakes them; what they die over comes back by its lease.

import type { SupabaseClient } from "npm:@supabase/supabase-js@2.119.0";
import { waitUntil } from "./background.ts";
import { ApiError, databaseError } from "./errors.ts";
import { heard } from "./heard.ts";
import { log, withoutSecrets } from "./log.ts";
import { serviceEndpoint } from "./service.ts";
import type { Environment } from "./settings.ts";

/** A task in the hands of whoever claimed it, as `claim_tasks` gives it. */
export interface Task {
  id: string;
  kind: string;
  subject: string;
  payload: Record<string, unknown>;
  attempts: number;
  /** Higher than that of any earlier claim, for services outside that take none lower. */
  token: number;
  lease_until: string;
}

/**
 * Does a task. A task may begin twice, so this does what can be repeated, under the task's id.
 *
 * `signal` is aborted when the task is another's by now, the time is over, or the process is to stop: what is done after
 * that counts for nothing. Throws TaskFailure, or any Error: the task is tried again.
 */
export type TaskHandler<Services> = (task: Task, services: Services, signal: AbortSignal) => Promise<void>;

/** An attempt that failed, with when to try again at the earliest, or `final`, which is never. */
export class TaskFailure extends Error {
  readonly retrySeconds: number;
  readonly final: boolean;

  constructor(message: string, { retrySeconds = 0, final = false } = {}) {
    super(message);
    this.retrySeconds = retrySeconds;
    this.final = final;
  }
}

/** The platform ends a function after 150 seconds: by then all is said. */
export interface TaskLimits {
  /** How many tasks are done at once. */
  atOnce: number;
  leaseSeconds: number;
  /** Until when tasks are begun, since the request. */
  claimSeconds: number;
  /** Until when they must be done. */
  endSeconds: number;
}

/** Of a task, as the database counts them; after the last it has failed. */
export const MOST_ATTEMPTS = 8;
const LIMITS: TaskLimits = { atOnce: 4, leaseSeconds: 60, claimSeconds: 90, endSeconds: 130 };
const LONGEST_WAIT = 604_800;
const SAY_AGAIN_SECONDS = [0.2, 1, 3];

/** What became of the tasks that were claimed: done, to be tried again, failed for good, or another's by then. */
export interface Outcome {
  claimed: number;
  done: number;
  again: number;
  failed: number;
  lost: number;
}

/**
 * Make a request handler for `Deno.serve` that does the tasks of these kinds.
 *
 * Answers 202 and works on behind its answer, or with `{"wait": true}` 200 and what became of the tasks. Who may call is as
 * of any function for services. One request at a time is at work in a process; one more waits for it, and stands for all
 * that come meanwhile.
 */
export function taskEndpoint<Services>(
  handlers: Record<string, TaskHandler<Services>>,
  services: Services,
  admin: SupabaseClient,
  env: Environment = Deno.env.toObject(),
  limits: Partial<TaskLimits> = {},
): (request: Request) => Promise<Response> {
  return woken(new Tasks(handlers, services, admin, limits), env);
}

/** A request handler that has some tasks done, as `taskEndpoint` makes it. */
export function woken(tasks: Pick<Tasks<unknown>, "work">, env: Environment): (request: Request) => Promise<Response> {
  return serviceEndpoint(
    async ({ wait }) => {
      const outcome = tasks.work();
      if (wait === true) return { body: await outcome };
      waitUntil(outcome);
      return { status: 202, body: { accepted: true } };
    },
    null,
    env,
  );
}

/** The tasks of some kinds, in one process. */
export class Tasks<Services> {
  private current: Promise<Outcome> | null = null;
  private next: Promise<Outcome> | null = null;
  private readonly stopping = new AbortController();
  private readonly limits: TaskLimits;

  constructor(
    private readonly handlers: Record<string, TaskHandler<Services>>,
    private readonly services: Services,
    private readonly admin: SupabaseClient,
    limits: Partial<TaskLimits> = {},
  ) {
    this.limits = { ...LIMITS, ...limits };
    addEventListener("beforeunload", () => this.stopping.abort(new TaskFailure("The function was stopped.")));
  }

  /** Do what is due; what comes while that is being done, afterwards. */
  work(began = performance.now()): Promise<Outcome> {
    if (this.current === null) {
      this.current = this.drain(began).finally(() => this.current = null);
      return this.current;
    }
    this.next ??= this.current.catch(() => null).then(() => {
      this.next = null;
      return this.work(began);
    });
    return this.next;
  }

  private async drain(began: number): Promise<Outcome> {
    const { atOnce, claimSeconds, endSeconds } = this.limits;
    const outcome: Outcome = { claimed: 0, done: 0, again: 0, failed: 0, lost: 0 };
    const running = new Set<Promise<void>>();
    const over = new AbortController();
    const left = () => began + claimSeconds * 1000 - performance.now();
    const timer = setTimeout(
      () => over.abort(new TaskFailure(`It took more than the ${endSeconds} seconds of a function.`)),
      Math.max(0, began + endSeconds * 1000 - performance.now()),
    );
    let more = true;
    try {
      while (true) {
        if (more && running.size < atOnce && left() > 0 && !this.stopping.signal.aborted) {
          const asked = atOnce - running.size;
          const claimed = await this.claim(asked);
          more = claimed.length === asked;
          outcome.claimed += claimed.length;
          for (const task of claimed) {
            const done = this.run(task, over.signal).then((became) => {
              outcome[became] += 1;
              running.delete(done);
            });
            running.add(done);
          }
        } else if (running.size > 0) await Promise.race(running);
        else break;
      }
    } finally {
      // A claim that failed leaves those that run to their end.
      await Promise.all(running);
      clearTimeout(timer);
    }
    log.info("did what was due", { ...outcome });
    return outcome;
  }

  private async run(task: Task, over: AbortSignal): Promise<Exclude<keyof Outcome, "claimed">> {
    const about = { task: task.id, kind: task.kind, attempts: task.attempts };
    const lost = new AbortController();
    const signal = AbortSignal.any([lost.signal, over, this.stopping.signal]);
    const renewal = setInterval(() => this.renew(task, lost), this.limits.leaseSeconds * 500);
    try {
      await Promise.race([this.handlers[task.kind]!(task, this.services, signal), aborted(signal)]);
      return await this.say("finish_task", { task: task.id, token: task.token }, about) === null ? "lost" : "done";
    } catch (error) {
      if (lost.signal.aborted) {
        log.warn("task lost", about);
        return "lost";
      }
      const { retrySeconds, final, message } = failureOf(error);
      log[error instanceof TaskFailure ? "warn" : "error"]("task failed", { ...about, final, error });
      const found = await this.say(
        "fail_task",
        { task: task.id, token: task.token, error: message, retry_seconds: retrySeconds, final },
        about,
      );
      return found === null ? "lost" : found.data === "failed" ? "failed" : "again";
    } finally {
      clearInterval(renewal);
    }
  }

  private async claim(most: number): Promise<Task[]> {
    const lease_seconds = this.limits.leaseSeconds;
    const args = { kinds: Object.keys(this.handlers), most, lease_seconds };
    // What was claimed by an answer that was lost is free again when its lease ends.
    const { data, error } = await heard(() => this.admin.rpc("claim_tasks", args));
    if (error) throw databaseError(error);
    return data as Task[];
  }

  private async renew(task: Task, lost: AbortController): Promise<void> {
    const { error } = await this.admin.rpc("renew_task", {
      task: task.id,
      token: task.token,
      lease_seconds: this.limits.leaseSeconds,
    });
    // Any other failure may pass before the lease ends; if not, the next word of this task is refused.
    if (error?.code === "CONFLICT") lost.abort(new TaskFailure("It is another's by now."));
    else if (error) log.warn("task not renewed", { task: task.id, code: error.code });
  }

  /** Tell the database what became of a task, again where it did not hear; null where it is another's by now. */
  private async say(
    verb: "finish_task" | "fail_task",
    args: Record<string, unknown>,
    about: Record<string, unknown>,
  ): Promise<{ data: unknown } | null> {
    for (const wait of [...SAY_AGAIN_SECONDS, null]) {
      const { data, error } = await this.admin.rpc(verb, args);
      if (!error) return { data };
      if (error.code === "CONFLICT") break;
      if (wait !== null) await new Promise((resolve) => setTimeout(resolve, wait * 1000));
    }
    // Its lease ends, and then somebody begins it again.
    log.warn("task lost", { ...about, verb });
    return null;
  }
}

function failureOf(error: unknown): { message: string; retrySeconds: number; final: boolean } {
  const message = withoutSecrets(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
  const asked = error instanceof TaskFailure
    ? error.retrySeconds
    : error instanceof ApiError
    ? Number(error.extensions.retryAfter ?? 0)
    : 0;
  const retrySeconds = Number.isFinite(asked) ? Math.min(Math.max(Math.ceil(asked), 0), LONGEST_WAIT) : 0;
  return { message, retrySeconds, final: error instanceof TaskFailure && error.final };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
