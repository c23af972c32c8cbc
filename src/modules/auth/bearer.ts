import { type Problem, problems } from '../../common/problems.js';

/**
 * RFC 6750, 2.1; the name of the scheme is case-insensitive (RFC 9110, 11.1). The length is Node's
 * limit on all headers together.
 */
const BEARER = /^bearer +([A-Za-z0-9\-._~+/]{1,16384}=*) *$/i;

/** The token of an `Authorization` header; null when there is none, or another scheme. */
export function bearerToken(authorization: string | undefined): string | null {
  if (authorization === undefined) return null;
  return BEARER.exec(authorization)?.[1] ?? null;
}

/** The one refusal of the guard. It never says why: the reason would only help to forge. */
export function unauthorized(tokenGiven: boolean): Problem {
  // RFC 6750, 3.1: no error code for a request that brought no token.
  const challenge = `Bearer realm="banyan"${tokenGiven ? ', error="invalid_token"' : ''}`;
  return problems.unauthorized({ headers: { 'www-authenticate': challenge } });
}
