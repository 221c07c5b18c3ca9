// Ringing for another function of this project, which does what one has just made due. Cron rings for it as well, each
// minute: so a ring that is lost is only late.

import { waitUntil } from "./background.ts";
import { log } from "./log.ts";
import { secretKeysOf } from "./service.ts";
import type { Environment } from "./settings.ts";

const GATHER_SECONDS = 0.2;
const SECONDS = 10;

/** Something to ring with, as often as one likes: what comes within a moment is one ring. */
export interface Bell {
  ring(): void;
}

/** The bell of a function. It never throws. */
export function bellOf(name: string, env: Environment, fetcher: typeof fetch = fetch): Bell {
  const [key = ""] = secretKeysOf(env);
  let gathering = false;
  const call = async (): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, GATHER_SECONDS * 1000));
    gathering = false;
    try {
      const response = await fetcher(`${env.SUPABASE_URL}/functions/v1/${name}`, {
        method: "POST",
        headers: { apikey: key },
        signal: AbortSignal.timeout(SECONDS * 1000),
      });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`it answered ${response.status}`);
    } catch (error) {
      log.warn("nobody answered the ring", { rung: name, error });
    }
  };
  return {
    ring: () => {
      if (gathering) return;
      gathering = true;
      waitUntil(call());
    },
  };
}
