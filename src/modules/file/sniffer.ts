import { fileTypeFromBuffer } from 'file-type';
import type { FieldError } from '../../common/problems.js';

/** Files of the kinds that are told apart begin to differ long before this. */
const HEAD_BYTES = 64 * 1024;
const PAD_BYTES = 64;
/** Signs that no text has: C0 controls besides white space and the escape of terminals. */
const NO_TEXT = /[\0-\x08\x0e-\x1a\x1c-\x1f]/;
const SVG = /^\uFEFF?\s*(<\?xml[^>]*\?>\s*)?(<!--[^]*?-->\s*|<!DOCTYPE svg[^>]*>\s*)*<svg[\s>]/i;

export const TEXT = 'text/plain';
export const UNKNOWN = 'application/octet-stream';

/**
 * Tells by its bytes what a file is, whatever anybody said. Texts have no marks that would tell
 * one kind of them from another, so all but XML are `text/plain`.
 */
export class Sniffer {
  private readonly head: Buffer[] = [];
  private headBytes = 0;
  private readonly utf8 = new TextDecoder('utf-8', { fatal: true });
  private isText = true;

  /** The next bytes, in their order. */
  take(chunk: Buffer): void {
    if (this.headBytes < HEAD_BYTES) this.head.push(chunk.subarray(0, HEAD_BYTES - this.headBytes));
    this.headBytes += chunk.length;
    if (this.isText) this.isText = this.readsAsText(chunk);
  }

  /** To be asked once, after the last bytes. */
  async mediaType(): Promise<string> {
    const head = Buffer.concat(this.head);
    const isText = this.isText && this.headBytes > 0 && this.readsAsText();
    if (isText && SVG.test(head.toString())) return 'image/svg+xml';
    const found = await fileTypeFromBuffer(padded(head));
    return found?.mime ?? (isText ? TEXT : UNKNOWN);
  }

  /** Whether it goes on, or (without more bytes) ends, as UTF-8 that people could read. */
  private readsAsText(chunk?: Buffer): boolean {
    try {
      return !NO_TEXT.test(this.utf8.decode(chunk, { stream: chunk !== undefined }));
    } catch {
      return false;
    }
  }
}

/** The library takes what is behind the end of very few bytes for zeros, and finds fonts there. */
const padded = (head: Buffer): Buffer =>
  head.length < PAD_BYTES ? Buffer.concat([head, Buffer.alloc(PAD_BYTES, 0x55)]) : head;

type Kind = 'image' | 'audio' | 'video' | 'pdf' | 'text' | 'other';

const TEXTUAL =
  /^(text\/|application\/(json|xml|yaml|x-yaml|toml|javascript|x-ndjson|jsonl|sql|x-sh|typescript)$|.*\+(json|xml|yaml)$)/;

/** What a media type says, as far as it matters to who takes files: parameters do not count. */
export function kindOf(mediaType: string): Kind {
  const type = mediaType.toLowerCase().split(';')[0]!.trim();
  const [top] = type.split('/');
  if (top === 'image' || top === 'audio' || top === 'video') return top;
  if (type === 'application/pdf') return 'pdf';
  return TEXTUAL.test(type) ? 'text' : 'other';
}

/** What a part may say of the file that it names. */
export interface FileClaims {
  media_type?: string;
  bytes?: number;
  sha256?: string;
}

/** What of that is not so, each by its field behind `path`. */
export function faultsOf(
  claims: FileClaims,
  path: string,
  file: Required<FileClaims>,
): FieldError[] {
  const { media_type: type, bytes, sha256 } = claims;
  const is = (field: keyof FileClaims): string =>
    `says ${claims[field]}, and the file is ${file[field]}`;
  return [
    ...(agreedType(type, file.media_type) === null
      ? [{ path: `${path}.media_type`, message: `${is('media_type')} by its bytes` }]
      : []),
    ...(bytes !== undefined && bytes !== file.bytes
      ? [{ path: `${path}.bytes`, message: `${is('bytes')} bytes long` }]
      : []),
    ...(sha256 !== undefined && sha256 !== file.sha256
      ? [{ path: `${path}.sha256`, message: is('sha256') }]
      : []),
  ];
}

/**
 * The media type of a part that names a file: what the file is; a name that is more exact than
 * `text/plain` stands. Null where the two are of different kinds, so that one of them is a lie.
 */
export function agreedType(claimed: string | undefined, found: string): string | null {
  if (!claimed || claimed.toLowerCase() === UNKNOWN) return found;
  if (kindOf(claimed) !== kindOf(found)) return null;
  return found === TEXT ? claimed : found;
}
