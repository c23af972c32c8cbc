// npm run openapi: writes openapi.json from the compiled routes, and the page's types from that. No
// database is needed: Nest only looks at the modules, it makes nothing of them. npm run openapi -- --check: exits with 1 and a
// short difference when the file is another one.
import { fileURLToPath } from 'node:url';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { buildIfStale } from './build-if-stale.mjs';
import { writeOrCheck, writeOrCheckText } from './generated.mjs';
import { FILE as PAGE_TYPES, pageTypes } from './page-types.mjs';

const FILE = fileURLToPath(new URL('../openapi.json', import.meta.url));
const dist = (path) => import(new URL(`../dist/src/${path}`, import.meta.url).href);

/** Settings that no server could run with, and no document depends on. */
const SETTINGS = {
  DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
  JWT_SECRET: 'only to describe the routes, never to sign',
};

async function documentOf() {
  const [{ AppModule }, { loadConfig }, { openApiOf }, { AT_THE_ROOT }] = await Promise.all(
    ['app.module.js', 'config/config.js', 'docs/openapi.js', 'app.setup.js'].map(dist),
  );
  const app = await NestFactory.create(
    AppModule.forRoot(loadConfig(SETTINGS)),
    new FastifyAdapter(),
    {
      preview: true,
      logger: ['error'],
      abortOnError: false,
    },
  );
  app.setGlobalPrefix('api/v1', { exclude: AT_THE_ROOT });
  return openApiOf(app);
}

await buildIfStale();
const document = await documentOf();
const mend = 'npm run openapi';
const codes = [
  writeOrCheck(FILE, document, mend),
  writeOrCheckText(PAGE_TYPES, await pageTypes(document), mend),
];
process.exit(Math.max(...codes));
