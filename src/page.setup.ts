import { existsSync } from 'node:fs';
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
const PLACES = ['/', '/c/*'];

/**
 * The page at `/` and at the addresses that it makes. Its other files have their hash in their
 * names and are kept by browsers for good. Where it was not built, `/` leads to the documentation.
 */
export async function servePage(app: NestFastifyApplication): Promise<void> {
  const fastify = app.getHttpAdapter().getInstance();
  const config = { answersAnybody: true };
  if (!FOLDER) {
    // Relative: behind a proxy both may be below a path that we do not know.
    fastify.get('/', { config }, (_request, reply) => reply.redirect('docs', 302));
    return;
  }
  // Decorates replies with `sendFile`; Swagger UI has done so where it came first.
  await app.register(fastifyStatic, {
    root: FOLDER,
    serve: false,
    preCompressed: true,
    decorateReply: !fastify.hasReplyDecorator('sendFile'),
  });
  const send = (reply: FastifyReply, file: string, maxAge: number): FastifyReply =>
    reply.sendFile(file, FOLDER, { maxAge, immutable: maxAge > 0, cacheControl: true });
  for (const place of PLACES) {
    fastify.get(place, { config }, (_request, reply) => send(reply, 'index.html', 0));
  }
  fastify.get('/icon.svg', { config }, (_request, reply) => send(reply, 'icon.svg', 86_400_000));
  fastify.get('/assets/:file', { config }, (request, reply) =>
    send(reply, `assets/${(request.params as { file: string }).file}`, 31_536_000_000),
  );
}
