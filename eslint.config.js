import js from '@eslint/js';
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';
import { noLeaks } from './scripts/no-leaks.mjs';

/** Which folder may not import which: the arrows of docs/architecture.md. */
const zones = [
  zone('runtime', [
    'common',
    'config',
    'tree',
    'database',
    'content',
    'files',
    'llm',
    'events',
    'cache',
    'modules',
  ]),
  ...['tree'].map((target) =>
    zone(target, [
      'runtime',
      'common',
      'config',
      'database',
      'content',
      'files',
      'llm',
      'events',
      'cache',
      'modules',
    ]),
  ),
  zone('formats', ['config', 'database', 'content', 'llm', 'events', 'cache', 'modules']),
  ...['common'].map((target) =>
    zone(target, ['config', 'database', 'content', 'files', 'llm', 'events', 'cache', 'modules']),
  ),
  ...['config'].map((target) =>
    zone(target, ['database', 'content', 'files', 'llm', 'events', 'cache', 'modules']),
  ),
  ...['database', 'content', 'files', 'llm', 'events', 'cache'].map((target) =>
    zone(target, ['modules']),
  ),
  {
    target: './src/modules/branch',
    from: './src/modules/message',
    message: 'branch and message know chat, never each other',
  },
  {
    target: './src/modules/message',
    from: './src/modules/branch',
    message: 'branch and message know chat, never each other',
  },
  {
    target: './src/modules/chat',
    from: ['./src/modules/branch', './src/modules/message', './src/modules/answer'],
  },
  {
    target: './src/modules/message',
    from: './src/modules/answer',
    message: 'answers know what was appended, never the other way',
  },
  { target: './src/modules/answer', from: './src/modules/branch' },
  { target: './src/modules/context', from: ['./src/modules/message', './src/modules/answer'] },
];

function zone(target, forbidden) {
  return {
    target: `./src/${target}`,
    from: forbidden.map((from) => `./src/${from}`),
    message: 'arrows point one way: see docs/architecture.md',
  };
}

const mongoose = {
  name: 'mongoose',
  message: 'only src/content/mongo and src/files/gridfs know Mongoose',
};
const s3 = {
  group: ['@aws-sdk/*'],
  message: 'only src/files/s3 knows the client of S3, and is loaded only where it is used',
};
const transformer = {
  name: 'class-transformer',
  message: 'DTOs are read by src/common/dto-reader.ts: Read, ListOf, ObjectOf',
};
const forwardRef = {
  name: '@nestjs/common',
  importNames: ['forwardRef'],
  message: 'untie the cycle instead',
};
const httpExceptions = {
  name: '@nestjs/common',
  importNames: ['forwardRef', 'HttpException', 'BadRequestException', 'NotFoundException'],
  message: 'throw a Problem',
};

const syntax = [
  { selector: 'ExportAllDeclaration', message: 'no barrels' },
  {
    selector: 'MethodDefinition[kind="constructor"][value.params.length>5]',
    message: 'at most five dependencies',
  },
  {
    selector: 'MemberExpression[object.name="AbortSignal"][property.name="any"]',
    message: 'a signal that lives on keeps all that are made of it (Node 20)',
  },
  {
    selector:
      ':matches(MethodDefinition, PropertyDefinition, TSParameterProperty)[key.name=/^(onModuleDestroy|beforeApplicationShutdown|onApplicationShutdown)$/]',
    message: 'say at which stage it closes: ClosesAt of src/runtime/shutdown.module.ts',
  },
  {
    selector: 'CallExpression[callee.name="HttpCode"] > Literal',
    message: 'only src/common knows status numbers: use HttpStatus',
  },
];
const environment = {
  selector: 'MemberExpression[object.name="process"][property.name="env"]',
  message: 'only src/config reads the environment',
};

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'data/', 'coverage/', 'web/src/api/schemas.ts'] },
  js.configs.recommended,
  ...tseslint.configs.recommended,
  {
    files: ['**/*.{ts,tsx}'],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver-next': [resolver()] },
    rules: {
      'import-x/no-restricted-paths': ['error', { zones }],
      'max-lines': ['error', 400],
      'max-len': [
        'error',
        {
          code: 100,
          ignoreStrings: true,
          ignoreTemplateLiterals: true,
          ignoreRegExpLiterals: true,
          ignoreUrls: true,
        },
      ],
      'max-lines-per-function': ['error', { max: 70, skipComments: true }],
      complexity: ['error', 12],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_' },
      ],
      // An injected class must be imported as a value: its type alone is not there at run time.
      '@typescript-eslint/consistent-type-imports': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-extraneous-class': 'off',
      'no-control-regex': 'off',
    },
  },
  {
    files: ['src/**/*.ts'],
    plugins: { banyan: { rules: { 'no-leaks': noLeaks } } },
    rules: {
      'banyan/no-leaks': 'error',
      'no-restricted-syntax': ['error', ...syntax, environment],
      'no-restricted-imports': [
        'error',
        { paths: [mongoose, httpExceptions, transformer], patterns: [s3] },
      ],
    },
  },
  {
    files: ['src/config/**/*.ts'],
    rules: {
      'no-restricted-syntax': ['error', ...syntax],
      'no-restricted-imports': ['error', { paths: [mongoose, httpExceptions] }],
    },
  },
  {
    files: ['src/content/mongo/**/*.ts', 'src/files/gridfs/**/*.ts'],
    rules: { 'no-restricted-imports': ['error', { paths: [httpExceptions, transformer] }] },
  },
  {
    files: ['src/files/s3/**/*.ts'],
    rules: {
      'no-restricted-imports': ['error', { paths: [mongoose, httpExceptions, transformer] }],
    },
  },
  {
    files: ['src/common/**/*.ts'],
    rules: { 'no-restricted-imports': ['error', { paths: [mongoose, forwardRef, transformer] }] },
  },
  {
    files: [
      '**/*.spec.ts',
      '**/*.e2e-spec.ts',
      '**/*.contract.ts',
      'test/**/*.ts',
      'bench/**/*.ts',
    ],
    rules: {
      // A describe block is a chapter, not a function.
      'max-lines-per-function': 'off',
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      '@typescript-eslint/no-explicit-any': 'off',
      'no-restricted-syntax': ['error', ...syntax.slice(0, 1)],
      'no-restricted-imports': 'off',
    },
  },
  {
    files: ['**/*.mjs', '**/*.js'],
    rules: { 'max-lines': ['error', 400], 'max-lines-per-function': ['error', 70] },
    languageOptions: {
      globals: Object.fromEntries(
        [
          'process',
          'console',
          'URL',
          'fetch',
          'setTimeout',
          'clearTimeout',
          'setInterval',
          'clearInterval',
          'setImmediate',
          'Buffer',
          'performance',
          'AbortSignal',
          'AbortController',
          'pm',
          'globalThis',
          'URLSearchParams',
          'structuredClone',
        ].map((name) => [name, 'readonly']),
      ),
    },
  },
);

/** TypeScript files are imported by the names that they will have: `./x.js` is `./x.ts`. */
function resolver() {
  return importX.createNodeResolver({
    extensions: ['.ts', '.js', '.mjs'],
    extensionAlias: { '.js': ['.ts', '.js'] },
  });
}
