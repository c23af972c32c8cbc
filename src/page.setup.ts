import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply } from 'fastify';

/** Where `vite build` puts the page: beside the compiled server, also when this runs from `src`. */
const FOLDER = [
  fileURLToPath(new URL('../web', import.meta.url)),
  fileURLToPath(new URL('../dist/web', import.meta.url)),
].find((folder) => existsSync(join(folder, 'assets')));

/** Addresses of the page itself: it finds out what to show. */
const PLACES = [
  '/',
  ...['', '/tree', '/m/:response_id', '/compare/:other_id'].map((what) => `/c/:chat_id${what}`),
];
const FOR_GOOD_MS = 31_536_000_000;

/**
 * The page at `/` and at the addresses that it makes. Its other files have their hash in their
 * names and are kept by browsers for good. Where it was not built, `/` leads to the documentation.
 */
export async function servePage(app: NestFastifyApplication): Promise<void> {
  const fastify = app.getHttpAdapter().getInstance();
  if (!FOLDER) {
    // Relative: behind a proxy both may be below a path that we do not know.
    fastify.get('/', (_request, reply) => reply.redirect('docs', 302));
    return;
  }
  // Decorates replies with `sendFile`; Swagger UI has done so where it came first.
  await app.register(fastifyStatic, {
    root: FOLDER,
    serve: false,
    preCompressed: true,
    decorateReply: !fastify.hasReplyDecorator('sendFile'),
  });
  const html = readFileSync(join(FOLDER, 'index.html'), 'utf8');
  for (const place of PLACES) {
    fastify.get(place, (request, reply) =>
      reply
        .header('cache-control', 'no-cache')
        .type('text/html; charset=utf-8')
        .send(html.replace('<base href="/"', `<base href="${baseOf(request.url)}"`)),
    );
  }
  const send = (reply: FastifyReply, file: string): FastifyReply =>
    reply.sendFile(file, FOLDER, { maxAge: FOR_GOOD_MS, immutable: true });
  fastify.get('/icon.svg', (_request, reply) => send(reply, 'icon.svg'));
  fastify.get('/assets/:file', (request, reply) => {
    const { file } = request.params as { file: string };
    return /^[\w-]+\.\w+$/.test(file) ? send(reply, `assets/${file}`) : reply.callNotFound();
  });
}

/** Where the page begins as seen from an address: behind a proxy its own path is not known. */
const baseOf = (url: string): string =>
  '../'.repeat(url.split('?')[0]!.split('/').length - 2) || './';
