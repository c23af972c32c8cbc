import type { NestFastifyApplication } from '@nestjs/platform-fastify';

/**
 * `METHOD /path` of every route, read from the tree that Fastify prints: four columns for each
 * level. Methods that are answered with 405 are routes too.
 */
export function routesOf(app: NestFastifyApplication): string[] {
  const tree = app.getHttpAdapter().getInstance().printRoutes({ commonPrefix: false });
  const above: string[] = [];
  return tree.split('\n').flatMap((line) => {
    const [, indent = '', part, methods = ''] =
      /^((?:.{4})*?)(?:├──|└──) (\S+)(?: \((.+)\))?$/.exec(line) ?? [];
    if (part === undefined) return [];
    above.splice(indent.length / 4, Infinity, part);
    return methods
      .split(', ')
      .filter((method) => method && !['HEAD', 'OPTIONS', 'TRACE'].includes(method))
      .map((method) => `${method} ${above.join('')}`);
  });
}
