import { randomUUID } from 'node:crypto';
import { type IncomingMessage, maxHeaderSize } from 'node:http';
import { Readable } from 'node:stream';
import fastifyCors, { type FastifyCorsOptions } from '@fastify/cors';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyPluginOptions, FastifyReply, FastifyRequest } from 'fastify';
import { AppModule } from './app.module.js';
import { ReadCache } from './cache/read-cache.js';
import { ReadCacheInterceptor } from './cache/read-cache.interceptor.js';
import { armFailpoint } from './common/failpoint.js';
import { keepHttpRules, METHODS } from './common/http-rules.js';
import { BODY_BOUNDS, parseJsonBody } from './common/json-body.js';
import { letFormsIn } from './common/multipart.js';
import { isAmong, type Origins } from './common/origins.js';
import { sendProblem } from './common/problem.filter.js';
import { problems } from './common/problems.js';
import { limitRequests } from './common/request-deadline.js';
import { onShortWay } from './common/short-way.js';
import { SECURITY_HEADERS } from './common/security-headers.js';
import { ServerLogger } from './common/server-logger.js';
import { BODY_MS, FORM_MS, limitSlowBodies } from './common/slow-bodies.js';
import { cutUnread, refuseCodings } from './common/unread-body.js';
import { takeUploads } from './common/uploads.js';
import { Upgrades, WebSocketUpgradesOnly } from './common/upgrades.js';
import { answerBrokenRequest } from './common/wire-problems.js';
import type { Config } from './config/config.js';
import { originsOf } from './config/origins.js';
import { dataSourceOptions } from './data-source.js';
import { migrate } from './database/migrate.js';
import { serveDocs } from './docs.setup.js';
import { Doorkeeper } from './modules/auth/doorkeeper.js';
import { servePage } from './page.setup.js';

/**
 * Routes that are no part of the versioned API: for machines, and facades for clients that know
 * their own addresses.
 */
export const AT_THE_ROOT = [
  ...['livez', 'readyz', 'version'],
  ...['sessions{/*path}', 'v1/chat/sessions{/*path}'],
  ...[
    'v1/models{/*path}',
    'v1/chat/completions',
    'v1/responses{/*path}',
    'v1/conversations{/*path}',
    'v1/files{/*path}',
  ],
  ...['first_message', 'messages', 'last_message/*chat_uuid'],
  ...['api/chat{/*path}', 'agui{/*path}', 'aui{/*path}', 'mcp'],
];
/** Put together once: every answer names them. */
const EXPOSED_HEADERS = [
  ...['etag', 'link', 'content-state', 'idempotent-replayed', 'retry-after'],
  ...['ratelimit', 'ratelimit-policy', 'x-request-id'],
].join(', ');
const REQUEST_ID = /^[\w.-]{1,64}$/;

/**
 * The server on migrated databases, ready to listen. PostgreSQL must be there; MongoDB and Redis
 * may be away.
 * @throws when PostgreSQL cannot be reached or a migration fails.
 */
export async function createApp(
  config: Config & { DATABASE_URL: string },
): Promise<NestFastifyApplication> {
  if (config.FAILPOINT) armFailpoint(config.FAILPOINT);
  await migrate(dataSourceOptions(config.DATABASE_URL));
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.forRoot(config),
    adapterOf(config),
    {
      bodyParser: false,
      abortOnError: false,
      logger: new ServerLogger(config.LOG_LEVEL),
    },
  );
  try {
    await prepare(app, config);
  } catch (error) {
    // What has started already (pools, the relay) would keep the process alive.
    await app.close();
    throw error;
  }
  return app;
}

async function prepare(app: NestFastifyApplication, config: Config): Promise<void> {
  const fastify = app.getHttpAdapter().getInstance();
  limitRequests(fastify);
  app.setGlobalPrefix('api/v1', { exclude: AT_THE_ROOT });
  fastify.removeAllContentTypeParsers();
  app.useBodyParser('application/json', { bodyLimit: BODY_BOUNDS.bytes }, parseJsonBody);
  letFormsIn(fastify);
  await secure(app, config);
  takeUploads(fastify);
  const routes = watchRoutes(app, fastify);
  serveDocs(app);
  await servePage(app);
  await app.init();
  app.get(Upgrades, { strict: false }).attach(app.getHttpServer(), originsOf(config));
  answerOtherMethods(fastify, routes);
}

function adapterOf({ TRUST_PROXY }: Config): FastifyAdapter {
  return new FastifyAdapter({
    bodyLimit: BODY_BOUNDS.bytes,
    trustProxy: TRUST_PROXY.length > 0 ? TRUST_PROXY : false,
    requestIdHeader: false,
    genReqId: (request: IncomingMessage) => {
      const given = request.headers['x-request-id'];
      return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
    },
    // As much as a request line can hold: what is too long is refused by who knows the parameter.
    routerOptions: { maxParamLength: maxHeaderSize },
    requestTimeout: FORM_MS,
    // A URL that cannot be decoded never reaches Nest and its filter.
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) =>
      sendProblem(reply, problems.invalidRequest({ detail: error.message }), request.id),
    clientErrorHandler: answerBrokenRequest,
    // A request without one is refused by us, with a body (keepHttpRules).
    http: {
      IncomingMessage: WebSocketUpgradesOnly,
      requireHostHeader: false,
      headersTimeout: BODY_MS,
    },
  });
}

async function secure(app: NestFastifyApplication, config: Config): Promise<void> {
  const origins = originsOf(config);
  if (origins.length > 0) await app.register(fastifyCors, corsFor(origins));
  const doorkeeper = app.get(Doorkeeper, { strict: false });
  const cache = app.get(ReadCache, { strict: false });
  const fastify = app.getHttpAdapter().getInstance();
  // Hooks that wait for nothing are not made to: a promise costs more than most of them do.
  fastify.addHook('onRequest', (_request, reply, done) => {
    reply.headers(SECURITY_HEADERS);
    done();
  });
  keepHttpRules(fastify, app.getHttpServer());
  fastify
    // From the headers alone: the body of whoever is refused here is never read.
    .addHook('onRequest', (request, reply) => doorkeeper.admit(request, reply))
    .addHook('onRequest', refuseCodings)
    .addHook('onRequest', limitSlowBodies)
    .addHook('onRequest', (request, reply, done) => cache.serve(request, reply, done))
    .addHook('onResponse', cutUnread)
    .addHook('onSend', (request, reply, payload, done) => {
      // Fastify makes a HEAD of every GET, and reads its stream to the end: that of events has
      // none.
      if (request.method === 'HEAD' && payload instanceof Readable) payload.destroy();
      reply.header('x-request-id', request.id);
      if (request.idempotent?.replayed) reply.header('idempotent-replayed', 'true');
      if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store');
      done();
    });
}

/**
 * An OPTIONS that is no preflight of a page that may call is a method like any other: the plugin
 * alone would call it an invalid preflight, or answer it without a word.
 */
function corsFor(origins: Origins): FastifyPluginOptions {
  const options: FastifyCorsOptions = {
    origin: [...origins],
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposedHeaders: EXPOSED_HEADERS,
  };
  // Made once: the plugin asks for each request.
  const [anyRequest, preflight] = [
    { ...options, preflight: false },
    { ...options, preflight: true },
  ];
  const isPreflight = ({ headers }: FastifyRequest): boolean =>
    Boolean(headers['access-control-request-method']) && isAmong(headers.origin ?? '', origins);
  return {
    delegator: (
      request: FastifyRequest,
      done: (error: null, options: FastifyCorsOptions) => void,
    ) => done(null, isPreflight(request) ? preflight : anyRequest),
  };
}

function watchRoutes(
  app: NestFastifyApplication,
  fastify: FastifyInstance,
): Map<string, Set<string>> {
  const routes = new Map<string, Set<string>>();
  fastify.addHook('onRoute', (route) => {
    const { url, method } = route;
    const { bodyBounds, shortWay } = route.config ?? {};
    if (bodyBounds) route.bodyLimit = bodyBounds.bytes;
    if (shortWay)
      route.handler = onShortWay(
        shortWay,
        app.get(shortWay.controller, { strict: false }),
        route.handler,
        app.get(ReadCacheInterceptor, { strict: false }),
      );
    const methods = routes.get(url) ?? new Set();
    for (const one of [method].flat()) methods.add(one);
    routes.set(url, methods);
  });
  return routes;
}

/**
 * A method that a route does not know is a 405 that names those it does (RFC 9110, 15.5.6); Fastify
 * alone would say 404.
 */
function answerOtherMethods(fastify: FastifyInstance, routes: Map<string, Set<string>>): void {
  for (const [url, known] of [...routes]) {
    const others = METHODS.filter((method) => !known.has(method));
    if (url.includes('*') || others.length === 0) continue;
    const allow = [...known].join(', ');
    fastify.route({
      method: others,
      url,
      config: { answersAnybody: true },
      handler: (request, reply) =>
        sendProblem(reply, problems.methodNotAllowed({ headers: { allow } }), request.id),
    });
  }
}
