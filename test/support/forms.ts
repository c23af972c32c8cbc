import type { RequestOptions } from './client.js';

const BOUNDARY = 'a-boundary-of-tests';

export interface FormFile {
  field?: string;
  name?: string | null;
  type?: string;
  bytes: Buffer | string;
}

/** A body as browsers and clients of OpenAI send it: a file and some fields. */
export function aForm(
  file: FormFile | null,
  fields: Record<string, string> = {},
  { isCut = false } = {},
): RequestOptions {
  const parts = Object.entries(fields).map(([name, value]) =>
    Buffer.from(
      `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
    ),
  );
  if (file) {
    const { field = 'file', name = 'a.bin', type = 'application/octet-stream', bytes } = file;
    const fileName = name === null ? '' : `; filename="${name}"`;
    parts.push(
      Buffer.from(
        `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${field}"${fileName}\r\nContent-Type: ${type}\r\n\r\n`,
      ),
      Buffer.from(bytes),
      Buffer.from('\r\n'),
    );
  }
  if (!isCut) parts.push(Buffer.from(`--${BOUNDARY}--\r\n`));
  return {
    raw: Buffer.concat(parts),
    headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` },
  };
}

/** The smallest picture: one pixel. */
export const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
export const PDF = Buffer.from('%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n', 'latin1');
