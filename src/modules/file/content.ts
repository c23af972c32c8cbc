import { create } from 'content-disposition';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { etagOf, noneMatches } from '../../common/etag.js';
import { problems } from '../../common/problems.js';
import { varyBy } from '../../common/vary.js';
import type { ByteRange } from '../../files/file-store.js';
import type { FileRow } from './file.sql.js';
import { kindOf } from './sniffer.js';

/** One range of bytes, by its ends or by how many are the last ones (RFC 9110, 14.1.2). */
const RANGE = /^bytes=\s*(?:(\d{1,15})-(\d{0,15})|-(\d{1,15}))\s*$/i;
/** SVG is a picture that can hold scripts. */
const SHOWN = new Set(['image', 'audio', 'video', 'pdf']);
const isShown = (mediaType: string): boolean =>
  SHOWN.has(kindOf(mediaType)) && mediaType !== 'image/svg+xml';

const etagOfFile = ({ sha256 }: FileRow): string => etagOf(sha256);

/**
 * The bytes that a request asks for; null for the whole. Several ranges, and what is no range, are
 * passed over, as RFC 9110, 14.2 allows. @throws range_not_satisfiable
 */
export function askedRange({ headers }: FastifyRequest, file: FileRow): ByteRange | null {
  const { range, 'if-range': condition } = headers;
  const [asked, first, last, tail] = RANGE.exec(range ?? '') ?? [];
  if (asked === undefined) return null;
  if (condition !== undefined && condition !== etagOfFile(file)) return null;
  const { bytes } = file;
  const from = tail === undefined ? Number(first) : Math.max(0, bytes - Number(tail));
  const to = tail === undefined && last ? Math.min(Number(last) + 1, bytes) : bytes;
  if (last && Number(last) < Number(first)) return null;
  if (from >= bytes)
    throw problems.rangeNotSatisfiable({ headers: { 'content-range': `bytes */${bytes}` } });
  return { from, to };
}

/** Whether the client has these bytes. */
export const hasIt = ({ headers }: FastifyRequest, file: FileRow): boolean =>
  noneMatches(headers['if-none-match'], etagOfFile(file));

/**
 * The headers of an answer with bytes of a file. They are somebody's, and may be anything: no page
 * that is made of them may act in the name of this server, or be taken for what it is not.
 */
export function setContentHeaders(reply: FastifyReply, file: FileRow): void {
  const { name, media_type: mediaType } = file;
  const type = isShown(mediaType) ? 'inline' : 'attachment';
  varyBy(reply, 'authorization');
  reply.headers({
    etag: etagOfFile(file),
    'accept-ranges': 'bytes',
    'cache-control': 'private, no-cache',
    'content-type': mediaType === 'text/plain' ? 'text/plain; charset=utf-8' : mediaType,
    'content-disposition': create(name ?? undefined, { type }),
    'content-security-policy': "sandbox; default-src 'none'",
    'x-content-type-options': 'nosniff',
  });
}
