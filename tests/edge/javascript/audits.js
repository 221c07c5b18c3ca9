// Every check that graphql-http has for a server, run against the gateway at the given address; prints what each found.
import { serverAudits } from "graphql-http";

const [url] = Deno.args;

const results = await Promise.all(serverAudits({ url }).map((audit) => audit.fn()));
for (const { response } of results) await response?.body?.cancel();
console.log(JSON.stringify(results.map(({ id, name, status, reason }) => ({ id, name, status, reason }))));
