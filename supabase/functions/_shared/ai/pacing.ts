// A provider sends a token at a time, and each that wakes the function by itself costs more than all that is done with it. So
// once all that was there is read, the next reading waits for a moment, in which what comes gathers before us.

const PAUSE_MS = 100;
// What was there already is read faster than this.
const WAITED_MS = 3;

/** The same answer, its body read by and by; nothing is changed in it, and nothing of it is later than the pause. */
export function paced(response: Response, pauseMs = PAUSE_MS): Response {
  if (response.body === null || !response.headers.get("Content-Type")?.startsWith("text/event-stream")) return response;
  const reader = response.body.getReader();
  let hadToWait = false;
  let wake = () => {};
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (hadToWait) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, pauseMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      const began = performance.now();
      const { done, value } = await reader.read();
      hadToWait = performance.now() - began > WAITED_MS;
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel(reason) {
      wake();
      return reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
  return new Response(body, response);
}
