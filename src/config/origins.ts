import type { Origins } from '../common/origins.js';
import type { Config } from './config.js';
import { isLoopback } from './setting-rules.js';

/** Pages of this machine, whichever port served them: those of a developer. */
const LOOPBACK_PAGE =
  /^https?:\/\/(localhost|([a-z0-9-]+\.)+localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/;

/**
 * Origins besides our own whose pages may call the API. Where none are set, a server that this
 * machine alone can reach lets in the pages of this machine: a page under development calls from
 * another port, and whoever can serve one there can call the API anyway.
 */
export function originsOf({ CORS_ORIGINS, HOST }: Config): Origins {
  if (CORS_ORIGINS.length > 0) return CORS_ORIGINS;
  return isLoopback(HOST) ? [LOOPBACK_PAGE] : [];
}
