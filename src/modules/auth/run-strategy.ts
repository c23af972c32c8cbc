import type { Strategy } from 'passport-jwt';
import { Problem } from '../../common/problems.js';

/**
 * What our strategies read instead of a request: the token itself, whether it came in a header or
 * in a frame of a socket.
 */
export interface BearerRequest {
  bearer: string;
}

export const bearerOf = (request: unknown): string => (request as BearerRequest).bearer;

/**
 * Runs a passport strategy on a token, the way `passport.authenticate` does but without a request,
 * an answer and the process-wide registry. Answers what its `validate` answered, null where the
 * token is refused.
 * @throws whatever kept it from judging the token (a store or the issuer away)
 */
export function runStrategy<Result>(strategy: Strategy, token: string): Promise<Result | null> {
  return new Promise((resolve, reject) => {
    const attempt = Object.assign(Object.create(strategy) as Strategy, {
      success: (result: unknown) => resolve(result as Result),
      fail: (reason: unknown) => (reason instanceof Problem ? reject(reason) : resolve(null)),
      error: reject,
    });
    const request: BearerRequest = { bearer: token };
    attempt.authenticate(request as never);
  });
}
