/** A verified JWT, as jsonwebtoken's `complete` option answers it. */
export interface VerifiedJwt {
  header: { alg: string; typ?: string; crit?: unknown };
  payload: unknown;
}

/** Claims of which nothing is known yet but their names. */
export type Claims = Readonly<Record<string, unknown>>;

/**
 * The claims, where the payload is an object and the header asks for nothing that we do not know
 * (`crit`, RFC 7515, 4.1.11).
 */
export function claimsOf({ header, payload }: VerifiedJwt): Claims | null {
  if (
    header.crit !== undefined ||
    typeof payload !== 'object' ||
    payload === null ||
    Array.isArray(payload)
  )
    return null;
  return payload as Claims;
}

/**
 * The `iss` that a token claims before anything is verified: good for choosing the verifier, for
 * nothing else.
 */
export function claimedIssuer(token: string): unknown {
  try {
    const payload = JSON.parse(
      Buffer.from(token.split('.')[1] ?? '', 'base64url').toString(),
    ) as Claims | null;
    return payload?.iss;
  } catch {
    return undefined;
  }
}
