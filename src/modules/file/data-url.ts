import { invalidField } from '../../common/problems.js';

const DATA_URL = /^data:([^,;]*)((?:;[^,;]*)*),/i;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const PERCENT_CODE = /%([\da-f]{2})/gi;

export interface DataUrl {
  /** What it says that it is; undefined where it says nothing. */
  mediaType: string | undefined;
  bytes: Buffer;
}

export const isDataUrl = (url: string): boolean => /^data:/i.test(url);

/** What a `data:` URL (RFC 2397) holds. @throws 422 that names `path` */
export function readDataUrl(url: string, path: string): DataUrl {
  const head = DATA_URL.exec(url);
  if (!head) throw invalidField(path, 'must be a data URL, as data:image/png;base64,…');
  const [whole, mediaType, parameters] = head;
  const data = url.slice(whole.length);
  const isBase64 = /;\s*base64$/i.test(parameters!);
  return {
    mediaType: mediaType!.trim().toLowerCase() || undefined,
    bytes: isBase64 ? base64Bytes(data, path) : percentBytes(data, path),
  };
}

/** The bytes that base64 (RFC 4648, 4) stands for. @throws 422 that names `path` */
export function base64Bytes(text: string, path: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  const digits = text.replace(/=+$/, '').length;
  // Node passes over what is no digit.
  if (!BASE64.test(text) || bytes.length !== Math.floor((digits * 3) / 4) || digits % 4 === 1)
    throw invalidField(path, 'must be base64 (RFC 4648, 4)');
  return bytes;
}

function percentBytes(text: string, path: string): Buffer {
  if (/%(?![\da-f]{2})/i.test(text))
    throw invalidField(path, 'has a percent sign without two hexadecimal digits behind it');
  const latin1 = Buffer.from(text).toString('latin1');
  const bytes = latin1.replace(PERCENT_CODE, (_, digits: string) =>
    String.fromCharCode(parseInt(digits, 16)),
  );
  return Buffer.from(bytes, 'latin1');
}
