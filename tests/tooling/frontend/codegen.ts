// graphql-codegen: `graphql-codegen --config codegen.ts` writes typed documents for what stands in graphql(`…`).
import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  schema: "schema.graphql",
  documents: "codegen/*.ts",
  generates: {
    "codegen/generated/": {
      preset: "client",
      // Beside the types, persisted-documents.json: what TRIPGATE_TRUSTED_DOCUMENTS takes.
      presetConfig: { persistedDocuments: true },
      config: {
        // Each scalar is a string on the wire, so that no digit and no time zone is lost; JSON is whatever it is.
        scalars: { UUID: "string", DateTime: "string", Date: "string", Time: "string", Decimal: "string", BigInt: "string", JSON: "unknown" },
        strictScalars: true,
        useTypeImports: true,
        // What is null beside an error alone (@semanticNonNull) is typed as never null: for clients that never hand such
        // a null on, as Apollo Client with its own errorPolicy. Leave it out for others.
        nullability: { errorHandlingClient: true },
      },
    },
  },
};

export default config;
