// Where a service outside is asked: its own address, or the one that a setting names.

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * The address below which a service is asked, without a slash at its end.
 *
 * Takes HTTPS, and plain HTTP of this machine alone: keys go with each request, and what is asked is people's own.
 * Throws an Error that names the setting, which no client is shown.
 */
export function providerUrl(env: Record<string, string | undefined>, name: string, usual: string): string {
  const given = env[name] || usual;
  const url = URL.parse(given);
  if (!url || !(url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK.has(url.hostname)))) {
    throw new Error(`${name} must be an address that begins with https://, or http:// on this machine`);
  }
  if (url.username || url.password || url.search || url.hash) {
    throw new Error(`${name} must be an address without a user, a query and a fragment`);
  }
  return url.href.replace(/\/+$/, "");
}
