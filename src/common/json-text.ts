import { applyDecorators, Header } from '@nestjs/common';

/** For a route that answers JSON as text, made by its service. */
export const JsonText = (): MethodDecorator =>
  applyDecorators(Header('content-type', 'application/json; charset=utf-8'));
