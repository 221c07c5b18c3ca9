// What a subgraph has beside its own schema, by `@apollo/subgraph`: the root fields and their types, for the one at the
// given path.
import { buildSubgraphSchema } from "@apollo/subgraph";
import { parse } from "graphql";

const [path] = Deno.args;
const schema = buildSubgraphSchema({ typeDefs: parse(await Deno.readTextFile(path)) });
const { _entities, _service } = schema.getQueryType().getFields();
console.log(
  JSON.stringify({
    _entities: String(_entities.type),
    _service: String(_service.type),
    representations: _entities.args.map(({ name, type }) => `${name}: ${type}`),
    entities: schema.getType("_Entity").getTypes().map(String).sort(),
  }),
);
