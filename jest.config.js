// ESM under jest: run with NODE_OPTIONS=--experimental-vm-modules (scripts/test.mjs does).
import { SWC } from './test/support/native/swc.mjs';

const native = (name) => `<rootDir>/test/support/native/${name}.mjs`;

// The entries of packages that are large, or whose classes and registers tests and sources share.
// No more than the entries: jest would also use this for what its own parts load.
const ESM = [
  ...['pg/esm/index.mjs', 'typeorm/index.mjs', 'ws/wrapper.mjs', 'fast-check/lib/fast-check.js'],
  ...['@nestjs/common/index.js', '@nestjs/core/index.js', '@nestjs/platform-fastify/index.js'],
  'js-yaml/dist/js-yaml.mjs',
  ...['ai/dist/index.js', 'ai6/dist/index.mjs', 'openai/index.mjs', 'openai6/index.mjs'],
];
const COMMON_JS = [
  ...[
    'class-validator/cjs/index.js',
    'class-transformer/cjs/index.js',
    'mongoose/index.js',
    'typescript/lib/typescript.js',
    'ajv/dist/ajv.js',
    '@swc/core/index.js',
  ],
  ...['@node-rs/argon2/index.js', '@redis/client/dist/index.js', 'standardwebhooks/dist/index.js'],
  ...['@opentelemetry/api/build/src/index.js'],
  ...['@opentelemetry/sdk-trace-base/build/src/index-shim.js'],
];
const files = (names) => `/node_modules/(${names.join('|').replaceAll('.', '\\.')})$`;

const project = {
  testEnvironment: native('environment'),
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '(/test/.+|/bench/.+|\\.spec)\\.ts$': ['@swc/jest', SWC],
    '\\.ts$': native('bridge'),
    [files(ESM)]: native('bridge'),
    [files(COMMON_JS)]: native('bridge-cjs'),
  },
  transformIgnorePatterns: [],
};

export default {
  // A guard against tests that hang, on a machine that stands still now and then.
  testTimeout: 120_000,
  workerIdleMemoryLimit: '2GB',
  testSequencer: '<rootDir>/test/support/longest-first.mjs',
  projects: [
    { ...project, roots: ['<rootDir>/src'], testRegex: '\\.spec\\.ts$' },
    {
      ...project,
      roots: ['<rootDir>/test'],
      testRegex: '\\.e2e-spec\\.ts$',
      globalSetup: '<rootDir>/test/support/global-setup.mjs',
      globalTeardown: '<rootDir>/test/support/global-teardown.mjs',
    },
  ],
};
