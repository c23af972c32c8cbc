import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { type Form, type FormRules, readForm } from '../../common/multipart.js';
import { problems } from '../../common/problems.js';
import { Idempotency, type IdempotentRequest } from '../../database/idempotency.js';
import type { FileRow } from './file.sql.js';
import { Files } from './files.service.js';
import { type StagedBytes, StagingArea } from './staging.service.js';

/** A file that has come, and is not made yet. */
interface ArrivedFile {
  staged: StagedBytes;
  name: string | null;
}

/** How a kind of client sends files, and how it is answered. */
export interface UploadKind {
  form: FormRules;
  /** @throws 422 */
  purposeIn?: (fields: Readonly<Record<string, string>>) => string;
  answerOf: (file: FileRow) => object;
}

/** Files that come as forms. */
@Injectable()
export class Uploads {
  constructor(
    private readonly files: Files,
    private readonly staging: StagingArea,
    private readonly idempotency: Idempotency,
  ) {}

  /**
   * Makes a file of the form that a request brings; answers its JSON. The bytes go into the store
   * while they come. @throws what `readForm` and `Files.keep` throw, 422 for the form
   */
  async take(
    accountId: string,
    key: IdempotentRequest | null,
    request: FastifyRequest,
    kind: UploadKind,
  ): Promise<string> {
    const form = await readForm<ArrivedFile>(request, kind.form, async ({ bytes, name }) => ({
      staged: await this.staging.stage(accountId, bytes),
      name,
    }));
    try {
      return await this.make(accountId, key, request, form, kind);
    } catch (error) {
      if (form.file) await this.staging.giveUp(accountId, form.file.staged).catch(() => undefined);
      throw error;
    }
  }

  private async make(
    accountId: string,
    key: IdempotentRequest | null,
    request: FastifyRequest,
    { file, fields, faults }: Form<ArrivedFile>,
    { purposeIn, answerOf }: UploadKind,
  ): Promise<string> {
    faults.throwIfAny();
    const { staged, name } = file!;
    const purpose = purposeIn?.(fields) ?? null;
    // What an Idempotency-Key is good for: the same file again.
    request.body = { name, purpose, sha256: staged.sha256.toString('hex') };
    const { made, json } = await this.idempotency.make(accountId, key, async (tx) => {
      const row = await this.files.make(tx, accountId, staged, { name, purpose });
      if (!row) throw problems.storeUnavailable({ headers: { 'retry-after': '1' } });
      return { made: row, answer: answerOf(row) };
    });
    if (!made) await this.staging.giveUp(accountId, staged);
    return json;
  }
}
