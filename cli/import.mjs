import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { ReadableStream } from 'node:stream/web';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from './api.mjs';
import { Progress, size } from './progress.mjs';

const LOOK_MS = 250;

/** Sends files, one after the other, and waits until they are brought in. */
export async function importFiles(api, files, { json, wait }) {
  const done = [];
  for (const file of files) {
    const sent = await send(api, file);
    const ended = wait ? await watch(api, sent.import_id, file) : sent;
    done.push(ended);
    if (!json) console.log(sentence(file, ended));
  }
  if (json) console.log(JSON.stringify(done.length === 1 ? done[0] : done));
  const failed = done.filter(({ status }) => status === 'failed' || status === 'cancelled');
  if (failed.length > 0)
    throw new Failure(`${failed.length} of ${done.length} files were not brought in`);
}

async function send(api, file) {
  const { size: bytes } = await stat(file).catch((error) => {
    throw new Failure(`${file} cannot be read: ${error.message}`);
  });
  const progress = new Progress(`sending ${basename(file)}`);
  let sent = 0;
  async function* counted() {
    for await (const chunk of createReadStream(file)) {
      sent += chunk.length;
      progress.show(sent, bytes, size(sent));
      yield chunk;
    }
  }
  const query = new URLSearchParams({ name: basename(file).slice(-255) });
  try {
    return await api.json('POST', `/imports?${query}`, {
      body: ReadableStream.from(counted()),
      duplex: 'half',
      headers: { 'content-type': 'application/octet-stream' },
    });
  } finally {
    progress.end();
  }
}

async function watch(api, id, file) {
  const progress = new Progress(`reading ${basename(file)}`);
  try {
    for (;;) {
      const now = await api.json('GET', `/imports/${id}`);
      if (now.ended_at !== null) return now;
      const { bytes_read: read, conversations } = now.progress;
      progress.show(Math.min(read, now.bytes), now.bytes, `${conversations} conversations`);
      await sleep(LOOK_MS);
    }
  } finally {
    progress.end();
  }
}

function sentence(file, { status, source, report, error, import_id: id }) {
  const name = basename(file);
  if (status === 'waiting' || status === 'running') return `${name}: sent, import ${id}`;
  const { added, updated, unchanged, refused } = report.conversations;
  const { chats, pairs, files } = report.added;
  const lines = [
    `${name}${source ? ` (${source})` : ''}: ${added} conversations added, ${updated} updated, ${unchanged} unchanged, ${refused} refused`,
    `  ${chats} chats, ${pairs} pairs, ${files} files`,
    ...Object.entries(report.changed).map(([kind, count]) => `  ${kind}: ${count}`),
    ...report.refused.map(({ conversation, message }) => `  refused: ${conversation}: ${message}`),
    ...(error ? [`  failed: ${error.message}`] : []),
  ];
  return lines.join('\n');
}
