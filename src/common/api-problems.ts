import { ApiExtension } from '@nestjs/swagger';
import type { ProblemKind } from './problems.js';

/**
 * Where the codes of a route wait for `docs/answers.ts`, which makes answers of them. Never in the
 * finished document.
 */
export const PROBLEM_CODES = 'x-problem-codes';

/**
 * The problems of a route that are its own, as `@ApiProblems(problems.chatNotFound)`. What follows
 * from the kind of a route (401 and 429 behind the guard, 422 for input, 412 with `If-Match` and so
 * on) is added to the document by itself.
 */
export const ApiProblems = (
  ...factories: readonly { readonly kind: ProblemKind }[]
): MethodDecorator =>
  ApiExtension(
    PROBLEM_CODES,
    factories.map(({ kind }) => kind.code),
  );
