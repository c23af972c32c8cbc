import { S3Client } from '@aws-sdk/client-s3';
import type { S3Address } from '../../config/file-places.js';
import { Pulse, within } from '../../runtime/deadline.js';
import { BytesMissingError, FilesAwayError } from '../file-store.js';

const CONNECT_MS = 2000;
/** How long a connection may be silent while something is asked for. */
const SILENCE_MS = 5000;
/** How long one step may take; a whole file has as many as it needs. */
const STEP_MS = 30_000;
/** So long nobody asks a store that did not answer somebody. */
const PAUSE_MS = 1000;

export interface S3Keys {
  accessKeyId: string;
  secretAccessKey: string;
}

/** There is no such object, no such method, no such range, or nothing of this kind at all. */
const NOT_THERE = new Set([404, 405, 416, 501]);

type Step<Result> = (client: S3Client, signal: { abortSignal: AbortSignal }) => Promise<Result>;

/** What S3 answered with, if it did. */
export const statusOf = (error: unknown): number | undefined =>
  (error as { $metadata?: { httpStatusCode?: number } } | null)?.$metadata?.httpStatusCode;

/** The way to a store that speaks S3, with an end to every wait. */
export class S3Connection {
  private readonly client: S3Client;
  /** For what S3 does in silence. */
  private readonly patient: S3Client;
  private readonly pulse = new Pulse();
  private pausedUntilMs = 0;

  constructor(address: S3Address, keys: S3Keys | null) {
    this.client = clientOf(address, keys, SILENCE_MS);
    this.patient = clientOf(address, keys, STEP_MS);
  }

  /**
   * One step, which is done again once where S3 says that it could not. @throws FilesAwayError when
   * S3 does not answer in time or refuses, or did not answer others a moment ago; its own error
   * where it has no such thing (`statusOf` is in `NOT_THERE`)
   */
  async run<Result>(step: Step<Result>, { takesLong = false } = {}): Promise<Result> {
    if (performance.now() < this.pausedUntilMs)
      throw new FilesAwayError('S3 did not answer a moment ago.');
    const client = takesLong ? this.patient : this.client;
    try {
      const result = await this.once(client, step).catch((error: unknown) => {
        if (!isTransient(error)) throw error;
        return this.once(client, step);
      });
      this.pulse.beat();
      return result;
    } catch (error) {
      throw this.heard(error);
    }
  }

  close(): void {
    this.client.destroy();
    this.patient.destroy();
  }

  private async once<Result>(client: S3Client, step: Step<Result>): Promise<Result> {
    const abort = new AbortController();
    const late = (): Error => new FilesAwayError('S3 did not answer in time.');
    try {
      const work = step(client, { abortSignal: abort.signal });
      return await within(STEP_MS, work, late, this.pulse);
    } finally {
      abort.abort();
    }
  }

  /** What is thrown for it. What S3 says has no keys in it, and is for the log. */
  private heard(error: unknown): unknown {
    if (error instanceof BytesMissingError) return error;
    const status = statusOf(error);
    if (status === undefined) this.pausedUntilMs = performance.now() + PAUSE_MS;
    else this.pulse.beat();
    if (error instanceof FilesAwayError || NOT_THERE.has(status ?? 0)) return error;
    const { name, message } = error as Error;
    return new FilesAwayError(`S3: ${name}: ${message}`, { cause: error });
  }
}

function clientOf(
  { endpoint, region }: S3Address,
  keys: S3Keys | null,
  silenceMs: number,
): S3Client {
  return new S3Client({
    region,
    // Its own tries would add up to more than anybody waits.
    maxAttempts: 1,
    // Other stores have no names of hosts for buckets, and not all the newer checksums.
    ...(endpoint && { endpoint, forcePathStyle: true }),
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: silenceMs },
    ...(keys && { credentials: keys }),
  });
}

/** S3 asks to slow down or is out of breath, or has closed a connection that was kept for it. */
const isTransient = (error: unknown): boolean =>
  [429, 500, 503].includes(statusOf(error) ?? 0) ||
  ['ECONNRESET', 'EPIPE'].includes((error as { code?: string }).code ?? '');
