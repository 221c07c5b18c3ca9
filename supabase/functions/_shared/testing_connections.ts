// For the tests of requests that may not be sent twice: a server that keeps its first connection, and loses what follows.

/**
 * A server that answers the first request with this JSON and keeps its connection; every other one it reads to its end,
 * counts, and leaves without an answer.
 */
export function forgetful(body: string): { url: string; requests: () => number; close: () => Promise<void> } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const answer = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  let requests = 0;
  const serve = async (connection: Deno.Conn) => {
    for (let read = "";;) {
      const bytes = new Uint8Array(8192);
      const count = await connection.read(bytes).catch(() => null);
      if (count === null) break;
      read += new TextDecoder().decode(bytes.subarray(0, count));
      if (!read.endsWith("}")) continue;
      read = "";
      requests += 1;
      if (requests > 1) break;
      await connection.write(new TextEncoder().encode(answer));
    }
    connection.close();
  };
  const serving = (async () => {
    const connections: Promise<void>[] = [];
    for await (const connection of listener) connections.push(serve(connection));
    await Promise.all(connections);
  })();
  return {
    url: `http://127.0.0.1:${(listener.addr as Deno.NetAddr).port}`,
    requests: () => requests,
    close: async () => {
      listener.close();
      await serving;
    },
  };
}
