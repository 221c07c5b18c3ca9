// Composes the subgraph at the given path with one of reviews, and prints the errors and hints of the composition.
import { composeServices } from "@apollo/composition";
import { parse } from "graphql";

const [path, other] = Deno.args;
const subgraph = async (name, path) => ({ name, typeDefs: parse(await Deno.readTextFile(path)), url: "http://127.0.0.1" });
const { errors = [], hints = [], supergraphSdl = "" } = composeServices([
  await subgraph("tripgate", path),
  await subgraph("reviews", other),
]);
console.log(
  JSON.stringify({
    errors: errors.map(({ message }) => message),
    hints: hints.map(({ definition, message }) => `${definition.code}: ${message}`),
    entities: [...supergraphSdl.matchAll(/^type (\w+)[^{]*@join__type\(graph: TRIPGATE, key: "(\w+)"/gm)].map(([, type, key]) => [type, key]),
  }),
);
