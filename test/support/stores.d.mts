/** What a store of a test run gives to the tests: variables of the environment, or the sentence that says why it was left out. */
interface Started {
  env?: Record<string, string>;
  stop?: () => Promise<void>;
  leftOut?: string;
}
export function startPostgres(dir: string): Promise<Started>;
export function startMongo(dir: string): Promise<Started>;
export function startRedis(dir: string): Promise<Started>;
export function freePort(): Promise<number>;
