import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Failure } from './api.mjs';
import { Progress, size } from './progress.mjs';

/** Writes an export to a file, which is there when it is whole, or to stdout. */
export async function exportTo(api, chatId, { format, scope, output, json }) {
  if (scope && !chatId) throw new Failure('--scope needs a chat_id', 2);
  const query = new URLSearchParams({ format, ...(scope && { scope }) });
  const path = chatId ? `/chats/${encodeURIComponent(chatId)}/export` : '/export';
  const { body } = await api.fetch('GET', `${path}?${query}`);
  const progress = new Progress('writing');
  let bytes = 0;
  async function* counted(chunks) {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (output) progress.show(0, 0, size(bytes));
      yield chunk;
    }
  }
  const part = output && `${output}.part`;
  try {
    await pipeline(Readable.fromWeb(body), counted, part ? createWriteStream(part) : toStdout);
  } catch (error) {
    if (part) await rm(part, { force: true });
    throw new Failure(`the export broke off: ${error.message}`);
  } finally {
    progress.end();
  }
  if (!output) return;
  await rename(part, output);
  console.log(json ? JSON.stringify({ output, bytes, format }) : `${output}: ${size(bytes)}`);
}

/** stdout is not ours to end. */
async function toStdout(chunks) {
  for await (const chunk of chunks)
    if (!process.stdout.write(chunk)) await new Promise((go) => process.stdout.once('drain', go));
}
