import type { Config } from '../../config/config.js';

/**
 * When a deleted chat `c` is beyond recall: so many days after its deletion; a temporary one as
 * soon as it was not used for so many seconds.
 */
export const expiredSql = (days: string, seconds: string): string => `(
  c.deleted_at <= now() - ${days}::float8 * interval '1 day'
  OR (c.chat_type = 'temporary' AND c.deleted_at IS NOT NULL AND c.updated_at <= now() - ${seconds}::float8 * interval '1 s'))`;

/** The parameters of it. */
export const expiryOf = (config: Config): [days: number, seconds: number] => [
  config.DELETED_RETENTION_DAYS,
  config.TEMPORARY_CHAT_TTL_SECONDS,
];
