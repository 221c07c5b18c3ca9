// Writes src/api/generated: the types of every document below src, and nothing of the rest of the schema.
import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  schema: "../../../schema.graphql",
  documents: ["../src/**/*.{ts,tsx}", "!../src/api/generated/**"],
  generates: {
    "../src/api/generated/": {
      preset: "client",
      presetConfig: { fragmentMasking: false },
      config: {
        scalars: { UUID: "string", DateTime: "string", Date: "string", Time: "string", Decimal: "string", BigInt: "string", JSON: "unknown" },
        strictScalars: true,
        enumsAsTypes: true,
        onlyOperationTypes: true,
        useTypeImports: true,
        disableDescriptions: true,
      },
    },
  },
};

export default config;
