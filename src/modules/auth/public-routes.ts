/**
 * Sign-ins, of which one is a hash of a password or a write: an address has few of them a minute.
 */
export const SIGN_IN_ROUTES: readonly string[] = [
  'POST /api/v1/auth/register',
  'POST /api/v1/auth/login',
  'POST /api/v1/auth/refresh',
  'POST /api/v1/auth/password/reset',
];

/** For probes, and for readers of the page and the documentation: nobody counts them. */
export const FREE_ROUTES: readonly string[] = [
  'GET /livez',
  'GET /readyz',
  'GET /version',
  'GET /',
  'GET /c/:chat_id',
  'GET /c/:chat_id/tree',
  'GET /c/:chat_id/m/:response_id',
  'GET /c/:chat_id/compare/:other_id',
  'GET /icon.svg',
  'GET /assets/:file',
  'GET /docs',
  'GET /openapi.json',
];

/** Where a ticket lets in besides a token. */
export const TICKET_ROUTES: readonly string[] = ['GET /api/v1/events'];

/** What a link shows: who has it needs no account. Counted by address. */
export const SHARED_ROUTES: readonly string[] = ['GET /api/v1/shared/:token'];

/**
 * Every route that answers without a token; everything else is behind the doorkeeper. A test
 * compares this list with the routes of the running server, so a route cannot become public by
 * accident.
 */
export const PUBLIC_ROUTES: readonly string[] = [
  ...SIGN_IN_ROUTES,
  ...FREE_ROUTES,
  ...SHARED_ROUTES,
];
