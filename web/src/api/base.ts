/** The path below which the page is, without a slash at its end: a proxy may have its own. */
export const BASE = new URL('.', document.baseURI).pathname.replace(/\/$/, '');

/** The API that the page is made on. */
export const API = `${BASE}/api/v1`;
