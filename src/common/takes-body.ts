import { RouteConfig } from '@nestjs/platform-fastify';
import type { BodyBounds } from './json-body.js';

/** Marks a route whose bodies may hold more than `BODY_BOUNDS`. */
export const TakesBody = (bodyBounds: BodyBounds): MethodDecorator => RouteConfig({ bodyBounds });
