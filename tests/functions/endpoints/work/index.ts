import process from "node:process";
import { waitUntil } from "../_shared/background.ts";
import { log } from "../_shared/log.ts";
import { serviceEndpoint } from "../_shared/service.ts";
import { adminOf } from "../_shared/admin.ts";
import { settingsOf } from "../_shared/settings.ts";

const admin = adminOf(settingsOf("work"));
const sleep = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

addEventListener("beforeunload", (event) => {
  log.info("told of the end", { reason: (event as CustomEvent).detail?.reason });
});

// Works as it is told: so long before its answer, so long behind it, so long on the processor.
Deno.serve(serviceEndpoint(async ({ name, before = 0, behind, cpu = 0, fail }) => {
  const began = process.cpuUsage();
  while (process.cpuUsage(began).user < Number(cpu) * 1e6);
  if (before) await sleep(Number(before));
  const after = async () => {
    await sleep(Number(behind));
    if (fail) throw new Error("failed behind the answer");
    await admin.rpc("receive_event", { id: name, event: {} });
  };
  if (behind !== undefined) waitUntil(after());
  return { body: { pid: Deno.pid } };
}, null));
