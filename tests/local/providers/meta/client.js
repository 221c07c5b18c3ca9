// Meta's own client library, unmodified, against the fake. It speaks HTTPS alone, to a host's port 443: so it is given the port
// of a door that does, and the fake's path with the version. Called with that port and a list of calls,
// `[[kind, content, to, context], …]`; prints status and body of each answer as one line of JSON.
const [port, token, calls] = [Number(Deno.args[0]), Deno.args[1], JSON.parse(Deno.args[2])];
Deno.env.set("NODE_ENV", "production");
Deno.env.set("WA_BASE_URL", "localhost");
Deno.env.set("CLOUD_API_VERSION", "providers/meta/v26.0");
Deno.env.set("CLOUD_API_ACCESS_TOKEN", token);
const { default: WhatsApp } = await import("whatsapp");

const whatsapp = new WhatsApp(100000000000001);
whatsapp.requester.port = port;
const results = [];
for (const [kind, content, to, context] of calls) {
  const answer = await whatsapp.messages[kind](content, to, context);
  results.push([answer.statusCode(), await answer.responseBodyToJSON()]);
}
whatsapp.requester.client.clearSockets();
console.log(JSON.stringify({ results }));
