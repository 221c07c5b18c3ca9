// A supergraph of Tripgate, at the given address, and of reviews, which are made up here: composed from what both say of
// themselves, and asked through `@apollo/gateway` with the given token. Prints the answer, and what Tripgate was asked.
import { composeServices } from "@apollo/composition";
import { ApolloGateway, LocalGraphQLDataSource, RemoteGraphQLDataSource } from "@apollo/gateway";
import { buildSubgraphSchema } from "@apollo/subgraph";
import { parse } from "graphql";

const [url, authorization, rows, query] = Deno.args;

const typeDefs = parse(await Deno.readTextFile(new URL("reviews.graphql", import.meta.url)));
const reviews = JSON.parse(rows);
const reviewed = buildSubgraphSchema({
  typeDefs,
  resolvers: {
    Query: { reviews: () => reviews },
    Trip: { __resolveReference: ({ id }) => ({ id }), reviews: ({ id }) => reviews.filter(({ of }) => of.id === id) },
  },
});

// Without a token, as a router composes.
const response = await fetch(url, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ query: "{ _service { sdl } }" }),
});
const { data } = await response.json();
const { errors, supergraphSdl } = composeServices([
  { name: "tripgate", url, typeDefs: parse(data._service.sdl) },
  { name: "reviews", url: "http://127.0.0.1", typeDefs },
]);
if (errors) throw new Error(errors.join("\n"));

const asked = [];
class Tripgate extends RemoteGraphQLDataSource {
  willSendRequest({ request, context }) {
    if (context.authorization) request.http.headers.set("Authorization", context.authorization);
    asked.push(request.variables?.representations ?? null);
  }
}
const gateway = new ApolloGateway({
  supergraphSdl,
  buildService: ({ name }) => (name === "reviews" ? new LocalGraphQLDataSource(reviewed) : new Tripgate({ url })),
});
const { executor } = await gateway.load();
const answer = await executor({
  document: parse(query),
  request: { query },
  queryHash: query,
  operationName: null,
  context: { authorization },
  logger: console,
  metrics: {},
  schema: gateway.schema,
  cache: { get: () => Promise.resolve(undefined), set: () => Promise.resolve() },
});
await gateway.stop();
console.log(JSON.stringify({ data: answer.data, errors: answer.errors ?? [], asked }));
Deno.exit(0);
