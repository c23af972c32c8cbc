import { RouteConfig } from '@nestjs/platform-fastify';
import { FASTIFY_ROUTE_CONFIG_METADATA } from '@nestjs/platform-fastify/constants.js';
import type { FastifyContextConfig } from 'fastify';

/** Adds to the `config` of a route. (Nest's own decorator would put it in the place of all.) */
export const routeConfig =
  (config: FastifyContextConfig): MethodDecorator =>
  (target, name, descriptor) =>
    RouteConfig({
      ...(Reflect.getMetadata(FASTIFY_ROUTE_CONFIG_METADATA, descriptor.value as object) as object),
      ...config,
    })(target, name, descriptor);
