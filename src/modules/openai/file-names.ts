import { isUuid } from '../../common/ids.js';

const PREFIX = 'file-';
export const FILE_NAME_PATTERN = `^${PREFIX}`;

/** A file as clients of OpenAI's API name it. */
export const fileName = (fileId: string): string => `${PREFIX}${fileId}`;

/** The `file_id` in `file-<file_id>`, or in itself; null for anything else. */
export function fileIn(name: unknown): string | null {
  if (typeof name !== 'string') return null;
  const id = name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name;
  return isUuid(id) ? id.toLowerCase() : null;
}
