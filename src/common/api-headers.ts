import { ApiExtension } from '@nestjs/swagger';

/** Where these notes wait for `docs/headers.ts`. Never in the finished document. */
export const HEADER_NOTES = {
  idempotent: 'x-idempotent',
  revalidated: 'x-revalidated',
  guarded: 'x-guarded',
  linked: 'x-linked',
  contentState: 'x-content-state',
} as const;

/** A POST that takes an `Idempotency-Key`. */
export const ApiIdempotent = (): MethodDecorator => ApiExtension(HEADER_NOTES.idempotent, true);

/** A read that answers an `ETag`, and 304 to whoever has it. */
export const ApiRevalidated = (): MethodDecorator => ApiExtension(HEADER_NOTES.revalidated, true);

/** A change that honours `If-Match`. */
export const ApiGuarded = (): MethodDecorator => ApiExtension(HEADER_NOTES.guarded, true);

/** A page with `Link` to its neighbours. */
export const ApiLinked = (): MethodDecorator => ApiExtension(HEADER_NOTES.linked, true);

/** A post that says in `Content-State` where its words are. */
export const ApiContentState = (): MethodDecorator => ApiExtension(HEADER_NOTES.contentState, true);
