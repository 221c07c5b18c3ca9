import type { CodegenConfig } from "@graphql-codegen/cli";

const client = (folder: string, errorHandlingClient: boolean) => ({
  documents: `${folder}/*.tsx`,
  preset: "client" as const,
  presetConfig: { fragmentMasking: false },
  config: {
    // Text on the wire, so that no digit and no time zone is lost; JSON is whatever it is.
    scalars: {
      UUID: "string",
      DateTime: "string",
      Date: "string",
      Time: "string",
      Interval: "string",
      Decimal: "string",
      BigInt: "string",
      JSON: "unknown",
    },
    strictScalars: true,
    useTypeImports: true,
    nonOptionalTypename: true,
    skipTypeNameForRoot: true,
    // Whether what is null beside an error alone (@semanticNonNull) is typed as never null.
    nullability: { errorHandlingClient },
  },
});

const config: CodegenConfig = {
  schema: "schema.graphql",
  ignoreNoDocuments: true,
  generates: {
    // Apollo Client hands on no answer with an error; urql does, beside the error.
    "apollo/generated/": client("apollo", true),
    "urql/generated/": client("urql", false),
  },
};

export default config;
