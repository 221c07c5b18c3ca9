import assert from "node:assert/strict";
import { adminOf } from "./admin.ts";
import { ApiError } from "./errors.ts";
import { type Outcome, type Task, taskEndpoint, TaskFailure, type TaskHandler, type TaskLimits } from "./tasks.ts";

const KEY = "sb_secret_test_0123456789";
const ENVIRONMENT = { SUPABASE_URL: "http://supabase.test", SUPABASE_SECRET_KEYS: JSON.stringify({ default: KEY }) };
const LOST = { code: "CONFLICT", message: "This task is another's.", hint: '{"reason": "LEASE_LOST"}', details: null };

type Args = Record<string, unknown>;

/** What is due, and what was said of it. */
class Queue {
  readonly said: [string, Args][] = [];
  readonly due: Task[];
  refuse: Record<string, () => unknown> = {};

  constructor(count: number, kind = "chore") {
    this.due = Array.from({ length: count }, (_, number) => ({
      id: String(number),
      kind,
      subject: "",
      payload: { number },
      attempts: 1,
      token: 100 + number,
      lease_until: "",
    }));
  }

  of(verb: string): Args[] {
    return this.said.filter(([each]) => each === verb).map(([, args]) => args);
  }

  readonly fetch: typeof fetch = async (input, options) => {
    const request = new Request(input, options);
    assert.equal(request.headers.get("apikey"), KEY);
    const verb = new URL(request.url).pathname.split("/").at(-1)!;
    const args: Args = await request.json();
    this.said.push([verb, args]);
    const refused = this.refuse[verb]?.();
    if (refused !== undefined) return Response.json(refused, { status: 409 });
    if (verb === "claim_tasks") return Response.json(this.due.splice(0, args.most as number));
    return Response.json(verb === "fail_task" ? (args.final ? "failed" : "waiting") : null);
  };

  ring(handler: TaskHandler<null>, limits: Partial<TaskLimits> = {}): (body?: string) => Promise<Response> {
    const work = taskEndpoint({ chore: handler }, null, adminOf(ENVIRONMENT, this.fetch), ENVIRONMENT, limits);
    const init = { method: "POST", headers: { apikey: KEY } };
    return (body = '{"wait": true}') => work(new Request("http://functions.test/chores", { ...init, body }));
  }
}

const sleep = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

async function outcome(response: Promise<Response>): Promise<Outcome> {
  return await (await response).json();
}

Deno.test("what is due is done, so many at once, until nothing is", async () => {
  const queue = new Queue(10);
  let most = 0, now = 0;
  const ring = queue.ring(async () => {
    most = Math.max(most, ++now);
    await sleep(0.01);
    now -= 1;
  }, { atOnce: 3 });
  assert.deepEqual(await outcome(ring()), { claimed: 10, done: 10, again: 0, failed: 0, lost: 0 });
  assert.equal(most, 3);
  assert.deepEqual(queue.of("claim_tasks")[0], { kinds: ["chore"], most: 3, lease_seconds: 60 });
  const finished = queue.of("finish_task").sort((one, other) => Number(one.task) - Number(other.task));
  assert.deepEqual(
    finished,
    Array.from({ length: 10 }, (_, number) => ({ task: String(number), token: 100 + number })),
  );
});

Deno.test("who does not wait is answered at once, and the work goes on", async () => {
  const queue = new Queue(1);
  const response = await queue.ring(() => sleep(0.05) as Promise<void>)("");
  assert.deepEqual([response.status, await response.json()], [202, { accepted: true }]);
  assert.deepEqual(queue.of("finish_task"), []);
  await sleep(0.2);
  assert.equal(queue.of("finish_task").length, 1);
});

Deno.test("what fails is tried again, no earlier than a provider says, or never", async () => {
  const failures = [
    new Error(`refused by https://x/?key=${KEY}`),
    new TaskFailure("Wait.", { retrySeconds: 7.5 }),
    new TaskFailure("There is no such customer.", { final: true }),
    new ApiError("AI_RATE_LIMITED", "Wait.", { retryAfter: 9 }),
    new ApiError("AI_RATE_LIMITED", "Wait.", { retryAfter: "soon" }),
    new TaskFailure("Wait for ever.", { retrySeconds: 1e9 }),
  ];
  const queue = new Queue(failures.length);
  const ring = queue.ring((task) => Promise.reject(failures[task.payload.number as number]));
  assert.deepEqual(await outcome(ring()), { claimed: 6, done: 0, again: 5, failed: 1, lost: 0 });
  const said = queue.of("fail_task").sort((one, other) => Number(one.task) - Number(other.task));
  assert.deepEqual(said.map(({ error, retry_seconds, final }) => [error, retry_seconds, final]), [
    ["Error: refused by https://x/?key=[secret]", 0, false],
    ["Error: Wait.", 8, false],
    ["Error: There is no such customer.", 0, true],
    ["Error: Wait.", 9, false],
    ["Error: Wait.", 0, false],
    ["Error: Wait for ever.", 604800, false],
  ]);
  assert.deepEqual(queue.of("finish_task"), []);
});

Deno.test("a lease is renewed while its task is done, and no longer", async () => {
  const queue = new Queue(1);
  await queue.ring(() => sleep(0.35) as Promise<void>, { leaseSeconds: 0.2 })();
  const renewed = queue.of("renew_task");
  assert.ok(renewed.length >= 1 && renewed.length <= 3);
  assert.deepEqual(renewed[0], { task: "0", token: 100, lease_seconds: 0.2 });
  await sleep(0.25);
  assert.equal(queue.of("renew_task").length, renewed.length);
});

Deno.test("who has lost a task is told, and says nothing more of it", async () => {
  const queue = new Queue(1);
  queue.refuse.renew_task = () => LOST;
  let told = false;
  const ring = queue.ring(async (_task, _services, signal) => {
    signal.addEventListener("abort", () => told = true);
    await sleep(0.3);
  }, { leaseSeconds: 0.1 });
  assert.deepEqual(await outcome(ring()), { claimed: 1, done: 0, again: 0, failed: 0, lost: 1 });
  assert.ok(told);
  assert.deepEqual([queue.of("finish_task"), queue.of("fail_task")], [[], []]);
  await sleep(0.3);
});

Deno.test("who finishes what is another's by then has done nothing", async () => {
  const queue = new Queue(1);
  queue.refuse.finish_task = () => LOST;
  assert.deepEqual((await outcome(queue.ring(() => Promise.resolve())())).lost, 1);
  assert.equal(queue.of("finish_task").length, 1);
});

Deno.test("what the database did not hear is said again", async () => {
  const queue = new Queue(1);
  let times = 0;
  queue.refuse.finish_task = () => (++times < 3 ? { code: "PGRST001", message: "away" } : undefined);
  assert.deepEqual((await outcome(queue.ring(() => Promise.resolve())())).done, 1);
  assert.equal(queue.of("finish_task").length, 3);
});

Deno.test("after its time it begins nothing, and gives back what is not done", async () => {
  const queue = new Queue(8);
  const ring = queue.ring(async ({ payload }) => {
    await sleep(payload.number === 0 ? 3 : 0.15);
  }, { atOnce: 2, claimSeconds: 0.2, endSeconds: 1.5 });
  const found = await outcome(ring());
  assert.equal(found.again, 1);
  assert.equal(found.done + found.again, found.claimed);
  assert.ok(found.claimed < 8 && queue.due.length > 0);
  assert.equal(queue.of("fail_task")[0]!.error, "Error: It took more than the 1.5 seconds of a function.");
  await sleep(2);
});

Deno.test("of all that come while it works one waits, and sees what came with them", async () => {
  const queue = new Queue(1);
  const ring = queue.ring(() => sleep(0.1) as Promise<void>);
  const first = outcome(ring());
  await sleep(0.05);
  const others = [outcome(ring()), outcome(ring()), outcome(ring())];
  queue.due.push(...new Queue(2).due);
  assert.equal((await first).claimed, 1);
  for (const other of await Promise.all(others)) assert.equal(other.claimed, 2);
  // The first asked for more as long as it had a place; the others together asked once.
  assert.equal(queue.of("claim_tasks").length, 2);
});

Deno.test("where tasks cannot be claimed it says so, and the next may do better", async () => {
  const queue = new Queue(1);
  queue.refuse.claim_tasks = () => ({ code: "PGRST001", message: "away" });
  const ring = queue.ring(() => Promise.resolve());
  assert.equal((await ring()).status, 503);
  queue.refuse = {};
  assert.equal((await outcome(ring())).done, 1);
});

Deno.test("a claim whose answer was lost is asked for again", async () => {
  const queue = new Queue(1);
  let lost = 2;
  const broken = { code: "", message: "AbortError: The signal has been aborted" };
  queue.refuse.claim_tasks = () => lost-- > 0 ? broken : undefined;
  assert.equal((await outcome(queue.ring(() => Promise.resolve())())).done, 1);
});

Deno.test("a claim that is refused is not", async () => {
  const queue = new Queue(1);
  queue.refuse.claim_tasks = () => ({ code: "42501", message: "no" });
  assert.equal((await queue.ring(() => Promise.resolve())()).status, 403);
  assert.equal(queue.of("claim_tasks").length, 1);
});

Deno.test("only this project's own programs ring", async () => {
  const work = taskEndpoint({}, null, adminOf(ENVIRONMENT), ENVIRONMENT);
  const request = new Request("http://functions.test/chores", {
    method: "POST",
    headers: { apikey: "sb_publishable" },
  });
  assert.equal((await work(request)).status, 401);
});
