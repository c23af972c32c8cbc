/** Origins as a browser sends them: scheme, host and port. */
export type Origins = readonly (string | RegExp)[];

export const isAmong = (origin: string, origins: Origins): boolean =>
  origins.some((one) => (typeof one === 'string' ? one === origin : one.test(origin)));
