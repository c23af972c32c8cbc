import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { isUuid } from '../../common/ids.js';
import { type FieldError, problems } from '../../common/problems.js';
import { Database } from '../../database/database.js';
import { fileIdsIn, keptFilesIn, type PlacedFile, type Side } from './file-parts.js';
import { type FileRow, FIND_MANY, HOLD_ACCOUNT, NAME, NAMED_BY, UNNAME } from './file.sql.js';
import type { Part } from '../../tree/parts.js';
import { removeFiles } from './removal.js';
import { agreedType } from './sniffer.js';

/** Which pairs name which files. A file that is named stays. */
@Injectable()
export class FileReferences {
  constructor(private readonly database: Database) {}

  /**
   * Completes the parts that name files, in their place: with the file's type, bytes and hash, and
   * its name where the part gives none. Asks nobody where there are none.
   * @throws 422 that names each part whose file is none of the account's, or of another kind
   */
  async complete(accountId: string, ...sides: readonly Side[]): Promise<void> {
    const placed = sides.flatMap(keptFilesIn);
    if (placed.length === 0) return;
    const ids = placed.map(({ part }) => part.file_id).filter(isUuid);
    const rows = await this.database.query<FileRow>(FIND_MANY, [accountId, ids]);
    const files = new Map(rows.map((row) => [row.file_id, row]));
    const errors = placed.flatMap((one) => fill(one, files) ?? []);
    if (errors.length > 0) throw problems.validation({ errors });
  }

  /**
   * Notes, in the transaction that makes a pair or ends its answer, which files its parts name.
   * @throws 422 where one was deleted meanwhile
   */
  async hold(
    tx: EntityManager,
    accountId: string,
    responseId: string,
    ...sides: readonly (readonly Part[] | null | undefined)[]
  ): Promise<void> {
    const ids = fileIdsIn(...sides);
    if (ids.length === 0) return;
    const named = await tx.query<unknown[]>(NAME, [accountId, responseId, ids]);
    if (named.length < ids.length) throw problems.validation({ detail: 'A file was deleted.' });
  }

  /**
   * For what is erased: the pairs name no file any more, and files that nobody else names are gone
   * with them, whoever put them there.
   */
  async release(
    tx: EntityManager,
    accountId: string,
    responseIds: readonly string[],
  ): Promise<void> {
    const named = await tx.query<{ file_id: string }[]>(NAMED_BY, [accountId, responseIds]);
    if (named.length === 0) return;
    await tx.query(HOLD_ACCOUNT, [accountId]);
    await tx.query(UNNAME, [accountId, responseIds]);
    await removeFiles(
      tx,
      accountId,
      named.map(({ file_id: id }) => id),
    );
  }
}

/** What is wrong with a part, or null when it was completed. */
function fill({ part, path }: PlacedFile, files: ReadonlyMap<string, FileRow>): FieldError | null {
  const file = files.get(part.file_id.toLowerCase());
  if (!file) return { path: `${path}.file_id`, message: 'must name a file of yours' };
  const type = agreedType(part.media_type, file.media_type);
  if (type === null)
    return {
      path: `${path}.media_type`,
      message: `says ${part.media_type}, and the file is ${file.media_type} by its bytes`,
    };
  const name = part.name ?? file.name ?? undefined;
  Object.assign(part, {
    file_id: file.file_id,
    media_type: type,
    ...(name !== undefined && { name }),
    bytes: file.bytes,
    sha256: file.sha256,
  });
  return null;
}
