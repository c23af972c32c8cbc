// Reads an export of ChatGPT of so many MB, as it would come out of a file, into pairs and chats, and
// tells the most memory that this process had. Its generator is counted in.
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { itemsOf } from '../../dist/src/formats/json-items.js';
import { conversationOf } from '../../dist/src/formats/ready.js';
import { Tally } from '../../dist/src/formats/source.js';
import { planOf } from '../../dist/src/tree/import-plan.js';
import { pieces } from './export-maker.mjs';

const MB = Number(process.argv[2]);

const told = { bytes: 0, messages: 0, pairs: 0, chats: 0 };
for await (const item of itemsOf(Readable.from(pieces(MB, told)), 'list')) {
  const { messageCount, pairs, head } = conversationOf(item, new Tally());
  told.messages += messageCount;
  told.pairs += pairs.length;
  told.chats += planOf(pairs, head).lines.length;
}
// Not `maxRSS`: that begins with what the process had which started this one.
const [, peakKb] = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'));
console.log(JSON.stringify({ ...told, peakMb: (Number(peakKb) * 1024) / 1e6 }));
