export const FILE_NAME_CHARS_MAX = 255;
const MEDIA_TYPE_CHARS_MAX = 255;

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

export const isBase64 = (text: string): boolean => text.length % 4 !== 1 && BASE64.test(text);

/** The media type of a data URL in base64 (RFC 2397); null for anything else. */
export function dataUrlType(url: string): string | null {
  const comma = url.indexOf(',');
  const head = comma < 0 ? '' : url.slice('data:'.length, comma);
  const [type = '', ...parameters] = head.split(';');
  const isEncoded = parameters.at(-1)?.trim().toLowerCase() === 'base64';
  const fits = type.length <= MEDIA_TYPE_CHARS_MAX && /^[\w.+-]+\/[\w.+*-]+$/.test(type);
  return isEncoded && fits && isBase64(url.slice(comma + 1)) ? type.toLowerCase() : null;
}
