import { SetMetadata } from '@nestjs/common';

export const PUBLIC = 'banyan:public';

/**
 * The route answers without a token. A test holds all of them to the one list in
 * `modules/auth/public-routes.ts`.
 */
export const Public = (): MethodDecorator & ClassDecorator => SetMetadata(PUBLIC, true);
