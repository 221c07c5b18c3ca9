// Unpacks the package's files, which are compressed by Brotli, into another folder: `deno run unpack.js FROM TO NAME…`.
import { createReadStream, createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";

const [from, to, ...names] = Deno.args;
await Promise.all(names.map((name) =>
  pipeline(createReadStream(`${from}/${name}.br`), createBrotliDecompress(), createWriteStream(`${to}/${name}`))
));
