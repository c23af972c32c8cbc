import type { BodyBounds } from './json-body.js';
import { routeConfig } from './route-config.js';

/** Marks a route whose bodies may hold more than `BODY_BOUNDS`. */
export const TakesBody = (bodyBounds: BodyBounds): MethodDecorator => routeConfig({ bodyBounds });
