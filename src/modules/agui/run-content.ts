import { handDown } from '../../common/exact-json.js';
import { isObject } from '../../common/is-object.js';
import { invalidField } from '../../common/problems.js';
import { isUuid } from '../../common/ids.js';
import type { SentFile } from '../client-chat/client-files.service.js';
import type { DataPart, TextPart } from '../../tree/parts.js';
import { FILE_KINDS, KEPT } from './agui-message.js';

/** A piece of what a page says: a part of ours, or a file that is still to be kept. */
export type SaidPiece = TextPart | DataPart | { type: 'sent_file'; file: SentFile; path: string };

/** What a media type is where nobody says it. */
const ANY_TYPE: Readonly<Record<(typeof FILE_KINDS)[number], string>> = {
  image: 'image/*',
  audio: 'audio/*',
  video: 'video/*',
  document: 'application/octet-stream',
};

/** The content of a message of a person. @throws 422 that names `path` */
export function contentOf(content: unknown, path: string): SaidPiece[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }];
  if (!Array.isArray(content)) throw invalidField(path, 'must be a text or a list of parts');
  handDown(content);
  return (content as unknown[]).flatMap((part, at) => piecesOf(part, `${path}.${at}`));
}

function piecesOf(part: unknown, path: string): SaidPiece[] {
  if (!isObject(part)) throw invalidField(path, 'must be an object');
  handDown(part);
  const { type, ...fields } = part;
  if (type === 'text') return textPieces(fields, path);
  if (type === 'binary') return [legacyFile(fields, path)];
  if (!isFileKind(type))
    throw invalidField(`${path}.type`, `must be one of: text, ${FILE_KINDS.join(', ')}`);
  const { source, ...beside } = fields;
  const { metadata } = beside;
  const filename = isObject(metadata) ? metadata['filename'] : undefined;
  const file = { ...sourceOf(source, ANY_TYPE[type], `${path}.source`), filename };
  return [{ type: 'sent_file', file, path }, ...besideOf(beside)];
}

function textPieces({ text, ...beside }: Record<string, unknown>, path: string): SaidPiece[] {
  if (typeof text !== 'string') throw invalidField(`${path}.text`, 'must be a string');
  return text === '' ? [] : [{ type: 'text', text }, ...besideOf(beside)];
}

/** What stands beside a part is kept behind it, if it is more than the name of a file. */
function besideOf(beside: Record<string, unknown>): DataPart[] {
  const { metadata, ...others } = beside;
  const isName = isObject(metadata) && Object.keys(metadata).every((key) => key === 'filename');
  const isNothing = (metadata === undefined || isName) && Object.keys(others).length === 0;
  return isNothing ? [] : [{ type: 'data', name: KEPT.part, value: beside }];
}

/** Where bytes are, as pages say it to `ClientFiles`. */
function sourceOf(source: unknown, anyType: string, path: string): SentFile {
  if (!isObject(source) || typeof source['value'] !== 'string')
    throw invalidField(path, 'must be an object with a value that is a string');
  const { type, value, mimeType = anyType } = source;
  if (typeof mimeType !== 'string') throw invalidField(`${path}.mimeType`, 'must be a string');
  switch (type) {
    case 'data':
      return { url: `data:${mimeType};base64,${value}`, mediaType: mimeType };
    case 'url':
      return { url: value, mediaType: mimeType };
    case 'file':
      if (isUuid(value)) return { url: `/api/v1/files/${value}/content`, mediaType: mimeType };
      throw invalidField(`${path}.value`, 'must be the file_id of a file that is kept here');
    default:
      throw invalidField(`${path}.type`, 'must be one of: data, url, file');
  }
}

/** How clients before 1.0 say a file. */
function legacyFile(part: Record<string, unknown>, path: string): SaidPiece {
  const { mimeType = ANY_TYPE.document, data, url, id, filename } = part;
  const source =
    typeof data === 'string'
      ? { type: 'data', value: data, mimeType }
      : { type: url === undefined ? 'file' : 'url', value: url ?? id, mimeType };
  return { type: 'sent_file', file: { ...sourceOf(source, '', path), filename }, path };
}

const isFileKind = (type: unknown): type is (typeof FILE_KINDS)[number] =>
  (FILE_KINDS as readonly unknown[]).includes(type);
