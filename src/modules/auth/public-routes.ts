/**
 * Every route that answers without a token; everything else is behind the guard. A test compares this list with the routes of the running
 * server, so a route cannot become public by accident.
 */
export const PUBLIC_ROUTES: readonly string[] = [
  'POST /api/v1/auth/register',
  'POST /api/v1/auth/login',
  'POST /api/v1/auth/refresh',
  'GET /livez',
  'GET /readyz',
  'GET /version',
  'GET /docs',
  'GET /openapi.json',
];
