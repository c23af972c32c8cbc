import { pipeline, type Readable } from 'node:stream';
import { Busboy, type BusboyInstance } from '@fastify/busboy';
import type { FastifyRequest } from 'fastify';
import { problems } from '../../common/problems.js';
import { IMPORT_BYTES_MAX, tooLarge } from './import-chunks.service.js';
import type { ImportUpload } from './imports.service.js';

/** What may stand around a file in a multipart body. */
const AROUND_BYTES_MAX = 64 * 1024;
const NAME_CHARS_MAX = 255;

/**
 * The file of a request: its body, or the first file of a multipart one.
 * @throws body_too_large where the client says so beforehand; invalid_request for a broken body
 */
export async function uploadOf(request: FastifyRequest, name?: string): Promise<ImportUpload> {
  const { raw, headers, uploadType = '' } = request;
  if (Number(headers['content-length'] ?? 0) > IMPORT_BYTES_MAX + AROUND_BYTES_MAX)
    throw tooLarge();
  // How fast it comes is up to its client.
  request.deadline?.lift();
  if (!/^multipart\/form-data\b/i.test(uploadType)) return { name: name ?? null, bytes: raw };
  const { file, fileName } = await firstFile(raw, uploadType);
  return { name: name ?? fileName?.slice(0, NAME_CHARS_MAX).toWellFormed() ?? null, bytes: file };
}

function firstFile(
  raw: Readable,
  type: string,
): Promise<{ file: AsyncIterable<Buffer>; fileName: string | undefined }> {
  return new Promise((resolve, reject) => {
    const broken = (error?: Error | null): void =>
      reject(
        problems.invalidRequest({
          detail: error
            ? `The multipart body is broken: ${error.message}.`
            : 'The body has no file.',
        }),
      );
    let parser: BusboyInstance;
    try {
      parser = new Busboy({ headers: { 'content-type': type }, limits: { files: 1, fields: 20 } });
    } catch (error) {
      return broken(error as Error);
    }
    parser.on('file', (_field, file, fileName) => {
      // A body that breaks off ends its file too: else half of it would be taken for the whole.
      parser.once('error', (error: Error) => file.destroy(error));
      resolve({ file: guarded(file), fileName });
    });
    pipeline(raw, parser, broken);
  });
}

/** Tells an error in the middle of the file as what it is: the client's. */
async function* guarded(file: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* file;
  } catch (error) {
    throw problems.invalidRequest({
      detail: `The multipart body is broken: ${(error as Error).message}.`,
    });
  }
}
