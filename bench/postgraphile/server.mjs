// PostGraphile 5 straight on Postgres, as its documentation sets it up behind Supabase's tokens: its own preset and names,
// its own node server, the role and claims of the caller's token as transaction settings, so that row level security
// decides; with the plugins that its documentation names for conditions on related rows and for aggregates. Settings come from the environment: DATABASE_URL (as the role that PostgREST connects as), SUPABASE_URL.
// Prints `Serving: <address>` once it listens.
import { createPublicKey, verify } from "node:crypto";
import { createServer } from "node:http";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { PostGraphileConnectionFilterPreset } from "postgraphile-plugin-connection-filter";
import { PgAggregatesPreset } from "@graphile/pg-aggregates";

const issuer = `${process.env.SUPABASE_URL}/auth/v1`;
const { keys } = await (await fetch(`${issuer}/.well-known/jwks.json`)).json();
const publicKeys = new Map(keys.map((jwk) => [jwk.kid, createPublicKey({ key: jwk, format: "jwk" })]));

// Verified once, then remembered, as PostgREST and Tripgate do.
const known = new Map();

function claims(token) {
  let found = known.get(token);
  if (found === undefined) {
    const [head, body, signature] = token.split(".");
    const { alg, kid } = JSON.parse(Buffer.from(head, "base64url"));
    const key = publicKeys.get(kid);
    const signed = { key, dsaEncoding: "ieee-p1363" };
    if (alg !== "ES256" || !key || !verify("sha256", `${head}.${body}`, signed, Buffer.from(signature, "base64url"))) {
      throw new Error("The token is not valid.");
    }
    const text = Buffer.from(body, "base64url").toString();
    const { role, exp, iss, aud } = JSON.parse(text);
    if (role !== "authenticated" || aud !== "authenticated" || iss !== issuer) throw new Error("The token is not ours.");
    found = { settings: { role, "request.jwt.claims": text }, exp };
    known.set(token, found);
  }
  if (found.exp * 1000 < Date.now()) throw new Error("The token has expired.");
  return found.settings;
}

const preset = {
  extends: [PostGraphileAmberPreset, PostGraphileConnectionFilterPreset, PgAggregatesPreset],
  // Else only indexed columns could be filtered by.
  disablePlugins: ["PgIndexBehaviorsPlugin"],
  schema: { connectionFilterRelations: true },
  // As many connections as the embedded PostgREST has.
  pgServices: [makePgService({ connectionString: process.env.DATABASE_URL, schemas: ["public"], poolConfig: { max: 20 } })],
  grafserv: { graphqlPath: "/graphql", graphiql: false, watch: false },
  grafast: {
    context: (request) => ({
      pgSettings: claims((request.node.req.headers.authorization ?? "").replace(/^Bearer /, "")),
    }),
  },
};

const instance = postgraphile(preset);
const server = createServer({ keepAliveTimeout: 60_000 });
server.on("error", (error) => {
  console.error(error);
  process.exit(1);
});
await instance.createServ(grafserv).addTo(server);
await instance.getSchema();
server.listen(0, "127.0.0.1", () => console.log(`Serving: http://127.0.0.1:${server.address().port}/graphql`));
for (const name of ["SIGINT", "SIGTERM"]) {
  process.once(name, () => process.exit(0));
}
