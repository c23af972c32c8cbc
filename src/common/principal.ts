/** Who a request comes from: what the global guard found out about its bearer token. */
export interface Principal {
  readonly accountId: string;
  /** The sign-in (token family) behind an access token of ours; a logout ends it. */
  readonly sessionId?: string;
  /** The API key, where one was the token. */
  readonly apiKeyId?: string;
  /** End of the token in milliseconds since 1970; null for an API key without an end. */
  readonly expiresAt: number | null;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the global guard on every route that is not public. */
    principal?: Principal;
  }
}
