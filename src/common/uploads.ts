import type { FastifyInstance } from 'fastify';

/** What an upload is called for Fastify, whatever its client calls it: it is read by its route. */
const UPLOAD = 'application/vnd.banyan.upload';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The body is a file: nothing reads it but the route. */
    takesUpload?: boolean;
  }
  interface FastifyRequest {
    /** `Content-Type` of a file, as its client says it. */
    uploadType?: string;
  }
}

/**
 * Routes whose body is a file of any type and size: it stays unread in `request.raw`, however its
 * client names its type.
 */
export function takeUploads(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    const { headers, method, routeOptions } = request;
    if (routeOptions.config.takesUpload && method === 'POST') {
      request.uploadType = headers['content-type'] ?? '';
      headers['content-type'] = UPLOAD;
    }
    done();
  });
  fastify.addContentTypeParser(UPLOAD, (_request, _payload, done) => done(null, undefined));
}
