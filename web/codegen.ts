import type { CodegenConfig } from '@graphql-codegen/cli';

export default {
  schema: '../schema/schema.graphql',
  documents: ['src/workbench/**/*.{ts,tsx}', '!src/workbench/graphql/generated/**'],
  generates: {
    'src/workbench/graphql/generated/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        scalars: { DateTime: 'string', Date: 'string', BigInt: 'number', JSON: 'unknown' },
      },
    },
  },
} satisfies CodegenConfig;
