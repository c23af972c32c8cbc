import type { EntityManager } from 'typeorm';
import { handDown } from '../../common/exact-json.js';
import { isUuid } from '../../common/ids.js';
import { type FieldError, problems } from '../../common/problems.js';
import type { FilePart, Part } from '../../tree/parts.js';
import {
  type FileRow,
  FIND_MANY,
  HOLD_ACCOUNT,
  HOLD_FILES,
  NAME,
  NAMED_BY,
  UNNAME,
} from './file.sql.js';
import { removeFiles } from './removal.js';
import { agreedType, faultsOf } from './sniffer.js';

type Parts = readonly Part[] | null | undefined;
type KeptFilePart = FilePart & { file_id: string };

const isKept = (part: unknown): part is KeptFilePart =>
  typeof part === 'object' &&
  part !== null &&
  (part as FilePart).type === 'file' &&
  (part as FilePart).file_id !== undefined;

/** The ids of all files that some sides name, in the outputs of tools too; each once. */
export const fileIdsIn = (...sides: readonly Parts[]): string[] => [
  ...new Set(
    sides
      .flatMap((parts) => parts ?? [])
      .flatMap((part): unknown[] =>
        part.type === 'tool_result' && Array.isArray(part.output) ? part.output : [part],
      )
      .filter(isKept)
      .map((part) => part.file_id),
  ),
];

/**
 * The parts of a side, those that name files completed: with the type, bytes and hash of the file,
 * and with its name where they have none. Asks nobody where there are no such parts.
 * @param path where the side stands in the request
 * @throws 422 that names each part whose file is none of the account's, or of another kind
 */
export async function completeFiles<Side extends Parts>(
  tx: EntityManager,
  accountId: string,
  parts: Side,
  path: string,
): Promise<Side> {
  const ids = fileIdsIn(parts);
  if (ids.length === 0) return parts;
  const rows = await tx.query<FileRow[]>(FIND_MANY.text, [accountId, ids.filter(isUuid)]);
  const files = new Map(rows.map((row) => [row.file_id, row]));
  const errors: FieldError[] = [];
  const filled = filledIn(parts as readonly Part[], path, files, errors);
  if (errors.length > 0) throw problems.validation({ errors });
  return filled as unknown as Side;
}

/**
 * Notes, in the transaction that makes a pair or ends its answer, which files its parts name; false
 * where one was deleted in that moment.
 */
export async function holdFiles(
  tx: EntityManager,
  accountId: string,
  responseId: string,
  ...sides: readonly Parts[]
): Promise<boolean> {
  const ids = fileIdsIn(...sides);
  if (ids.length === 0) return true;
  const named = await tx.query<unknown[]>(NAME, [accountId, responseId, ids]);
  return named.length === ids.length;
}

/**
 * For pairs that are erased: they name no file any more, and files that no other pair names are
 * gone with them, whoever put them there.
 */
export async function releaseFiles(
  tx: EntityManager,
  accountId: string,
  responseIds: readonly string[],
): Promise<void> {
  const named = await tx.query<{ file_id: string }[]>(NAMED_BY, [accountId, responseIds]);
  if (named.length === 0) return;
  const fileIds = named.map(({ file_id: id }) => id);
  await tx.query(HOLD_ACCOUNT, [accountId]);
  await tx.query(HOLD_FILES, [accountId, fileIds]);
  await tx.query(UNNAME, [accountId, responseIds]);
  await removeFiles(tx, accountId, fileIds);
}

/** A copy; what of it is as before keeps the digits of its numbers. */
function filledIn(
  parts: readonly unknown[],
  path: string,
  files: ReadonlyMap<string, FileRow>,
  errors: FieldError[],
): unknown[] {
  handDown(parts);
  return parts.map((part, n) => {
    const here = `${path}.${n}`;
    if (isKept(part)) return filled(part, here, files, errors);
    const { type, output } = part as { type?: string; output?: unknown };
    if (type !== 'tool_result' || !Array.isArray(output) || !output.some(isKept)) return part;
    handDown(part as object);
    return { ...(part as object), output: filledIn(output, `${here}.output`, files, errors) };
  });
}

function filled(
  part: KeptFilePart,
  path: string,
  files: ReadonlyMap<string, FileRow>,
  errors: FieldError[],
): FilePart {
  const file = files.get(part.file_id.toLowerCase());
  if (!file) {
    errors.push({ path: `${path}.file_id`, message: 'must name a file of yours' });
    return part;
  }
  errors.push(...faultsOf(part, path, file));
  const type = agreedType(part.media_type, file.media_type);
  const name = part.name ?? file.name;
  return {
    ...part,
    file_id: file.file_id,
    media_type: type ?? file.media_type,
    ...(name !== null && { name }),
    bytes: file.bytes,
    sha256: file.sha256,
  };
}
