// Where a service outside is asked: its own address, or the one that a setting names.

import { mistakeOfAddress } from "./settings.ts";

/**
 * The address below which a service is asked, without a slash at its end.
 *
 * What a setting of kind `service_url` may be, but for a query, behind which no path can stand. Throws an Error that names
 * the setting, which no client is shown.
 */
export function providerUrl(env: Record<string, string | undefined>, name: string, usual: string): string {
  const given = env[name] || usual;
  const mistake = mistakeOfAddress(name, given, "service_url") ??
    (given.includes("?") ? `${name} must be an address without a query: paths are put behind it.` : null);
  if (mistake) throw new Error(mistake);
  return new URL(given).href.replace(/\/+$/, "");
}
