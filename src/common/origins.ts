import type { IncomingHttpHeaders } from 'node:http';

/** Origins as a browser sends them: scheme, host and port. */
export type Origins = readonly (string | RegExp)[];

export const isAmong = (origin: string, origins: Origins): boolean =>
  origins.some((one) => (typeof one === 'string' ? one === origin : one.test(origin)));

/**
 * Whether whoever sent a request may: programs send no Origin, a page of ours sends our host.
 * `null` (a page in a sandbox, or a file) is nobody's.
 */
export function isOriginAllowed({ origin, host }: IncomingHttpHeaders, allowed: Origins): boolean {
  if (origin === undefined || isAmong(origin, allowed)) return true;
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase();
}
