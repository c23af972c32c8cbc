import { Injectable } from '@nestjs/common';
import { invalidField } from '../../common/problems.js';
import type { FilePart } from '../../tree/parts.js';
import { isDataUrl } from '../file/data-url.js';
import { Files } from '../file/files.service.js';

/** Where a page finds the bytes of a file. */
export type UrlOf = (file: FilePart) => string;

/** A file as a page sends it: `url`, `filename?`, `mediaType?`. */
export type SentFile = Readonly<Record<string, unknown>>;

/** So much of files is told within messages, newest first; of others the address of their bytes. */
const WITHIN_BYTES_MAX = 4 * 1024 * 1024;
/** Where we serve the bytes of a file: a page that read it here may send it back. */
const CONTENT = /^(?:https?:\/\/[^/]+)?\/api\/v1\/files\/([\da-f-]{36})\/content$/i;
const CONTENT_OF = (fileId: string): string => `/api/v1/files/${fileId}/content`;

/** Files as pages have them, which know URLs alone. */
@Injectable()
export class ClientFiles {
  constructor(private readonly files: Files) {}

  /**
   * The part of a file that a page sent: a `data:` URL is kept as a file, one of ours is that file,
   * and another one stays an address.
   * @throws 422 that names `path`; file_not_found, files_full
   */
  async part(
    accountId: string,
    { url, filename, mediaType }: SentFile,
    path: string,
  ): Promise<FilePart> {
    const name = typeof filename === 'string' && filename.trim() !== '' ? filename : undefined;
    if (typeof url !== 'string') throw invalidField(`${path}.url`, 'must be a string');
    if (isDataUrl(url))
      return kept(await this.files.keepDataUrl(accountId, url, { name, path: `${path}.url` }));
    const ours = CONTENT.exec(url);
    if (ours) return kept(await this.files.find(accountId, ours[1]!));
    if (typeof mediaType !== 'string') throw invalidField(`${path}.mediaType`, 'must be a string');
    return { type: 'file', url, media_type: mediaType, ...(name && { name }) };
  }

  /** Where a page finds the bytes of these files; the last ones count as the newest. */
  async urlsOf(accountId: string, files: readonly FilePart[]): Promise<UrlOf> {
    const urls = new Map<string, string>();
    let room = WITHIN_BYTES_MAX;
    for (const { file_id: id, bytes = Infinity, media_type: type } of files.toReversed()) {
      if (id === undefined || urls.has(id) || bytes > room) continue;
      const url = await this.dataUrl(accountId, id, type);
      if (url === null) continue;
      room -= bytes;
      urls.set(id, url);
    }
    return ({ file_id: id, url = '' }) =>
      id === undefined ? url : (urls.get(id) ?? CONTENT_OF(id));
  }

  /** Null where it cannot be read now: then its address is told. */
  private async dataUrl(accountId: string, fileId: string, type: string): Promise<string | null> {
    try {
      const bytes = await this.files.readWhole(accountId, fileId);
      return `data:${type};base64,${bytes.toString('base64')}`;
    } catch {
      return null;
    }
  }
}

const kept = ({
  file_id,
  media_type,
  name,
  bytes,
  sha256,
}: Awaited<ReturnType<Files['find']>>): FilePart => ({
  type: 'file',
  file_id,
  media_type,
  ...(name !== null && { name }),
  bytes,
  sha256,
});
