// Does to the modules of `relay/` what vite-plugin-relay does: each graphql`…` becomes what the compiler made of it.
import { transformSync } from "@babel/core";
import relay from "babel-plugin-relay";

const parserOpts = { plugins: ["typescript", "jsx"] };
for (const { name } of [...Deno.readDirSync("relay")]) {
  const file = `relay/${name}`;
  if (!name.endsWith(".tsx")) continue;
  const { code } = transformSync(Deno.readTextFileSync(file), { plugins: [relay], parserOpts, filename: file });
  Deno.writeTextFileSync(file, code);
}
