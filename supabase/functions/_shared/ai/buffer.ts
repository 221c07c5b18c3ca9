// Streams of many small pieces, read into one buffer: fetch makes 64 KiB for each, which costs more than all else about it.

const BUFFER_BYTES = 16 * 1024;

/** A fetch whose event streams are read so. Other answers, and streams that do not read into buffers, stay as they are. */
export function inOneBuffer(fetcher: typeof fetch): typeof fetch {
  return async (input, options) => {
    const response = await fetcher(input, options);
    const { body, status, statusText, headers } = response;
    if (!body || !headers.get("Content-Type")?.startsWith("text/event-stream")) return response;
    const reader = byobOf(body);
    return reader === null ? response : new Response(rebuffered(reader), { status, statusText, headers });
  };
}

/** Null where its pieces are there already. */
function byobOf(body: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | null {
  try {
    return body.getReader({ mode: "byob" });
  } catch {
    return null;
  }
}

function rebuffered(reader: ReadableStreamBYOBReader): ReadableStream<Uint8Array> {
  let buffer = new ArrayBuffer(BUFFER_BYTES);
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await reader.read(new Uint8Array(buffer));
      if (done) return controller.close();
      controller.enqueue(value.slice());
      // Each read takes the buffer away and gives it back.
      buffer = value.buffer;
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}
