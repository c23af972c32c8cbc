import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { errorsPage } from './docs/errors-page.js';
import { openApiOf } from './docs/openapi.js';

const STYLE = `
  .swagger-ui .topbar { display: none }
  .swagger-ui .info { margin: 28px 0 }
  .swagger-ui .info .title { font-size: 32px }`;

/** What Swagger UI gives to `responseInterceptor`, as far as it is used. */
interface UiResponse {
  url: string;
  ok: boolean;
  text?: string;
}

/**
 * Swagger UI at `/docs`, the document at `/openapi.json`, the errors at `/docs/errors`.
 */
export function serveDocs(app: NestFastifyApplication): void {
  SwaggerModule.setup('docs', app, () => openApiOf(app), {
    jsonDocumentUrl: 'openapi.json',
    customSiteTitle: 'Banyan API',
    customCss: STYLE,
    swaggerOptions: {
      persistAuthorization: true,
      displayRequestDuration: true,
      tryItOutEnabled: true,
      docExpansion: 'list',
      defaultModelsExpandDepth: 0,
      responseInterceptor: authorizeAfterSignIn,
    },
  });
  let page: string | undefined;
  app.getHttpAdapter().get('/docs/errors', (_request: unknown, reply: FastifyReply) => {
    void reply.type('text/html; charset=utf-8').send((page ??= errorsPage()));
  });
}

/**
 * Runs in the browser: whoever registers, logs in or refreshes there need not carry the token to
 * the Authorize button.
 */
function authorizeAfterSignIn(response: UiResponse): UiResponse {
  if (response.ok && /\/auth\/(register|login|refresh)$/.test(response.url)) {
    const { ui } = globalThis as unknown as {
      ui: { preauthorizeApiKey(scheme: string, token: string): void };
    };
    ui.preauthorizeApiKey(
      'bearer',
      (JSON.parse(response.text ?? '{}') as { access_token: string }).access_token,
    );
  }
  return response;
}
