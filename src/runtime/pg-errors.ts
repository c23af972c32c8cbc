/** The SQLSTATEs that this server knows by name (PostgreSQL, Appendix A). */
export const SQLSTATE = {
  uniqueViolation: '23505',
  foreignKeyViolation: '23503',
  readOnly: '25006',
  serializationFailure: '40001',
  deadlock: '40P01',
  diskFull: '53100',
  lockNotAvailable: '55P03',
  queryCanceled: '57014',
  adminShutdown: '57P01',
  crashShutdown: '57P02',
  cannotConnectNow: '57P03',
} as const;

interface QueryFailure {
  code?: string;
  driverError?: { code?: string };
}

/**
 * What PostgreSQL (or the system, as ECONNRESET) calls an error, whether the driver throws it or
 * TypeORM; '' where it has no name.
 */
export function sqlStateOf(error: unknown): string {
  const { code, driverError } = (error ?? {}) as QueryFailure;
  return driverError?.code ?? code ?? '';
}

export const isUniqueViolation = (error: unknown): boolean =>
  sqlStateOf(error) === SQLSTATE.uniqueViolation;

/** Another held a lock for longer than `lock_timeout`. */
export const isLockTimeout = (error: unknown): boolean =>
  sqlStateOf(error) === SQLSTATE.lockNotAvailable;

/**
 * Rolled back for the sake of others: a deadlock's victim, and what could not be put into an order
 * (Citus, standbys).
 */
export const isVictim = (error: unknown): boolean =>
  sqlStateOf(error) === SQLSTATE.deadlock || sqlStateOf(error) === SQLSTATE.serializationFailure;

/** What is named is not there any more. */
export const isForeignKeyViolation = (error: unknown): boolean =>
  sqlStateOf(error) === SQLSTATE.foreignKeyViolation;

/** PostgreSQL cannot hold that value, however often it is asked (classes 22 and 54). */
export const isDataFault = (error: unknown): boolean => /^(22|54)/.test(sqlStateOf(error));
