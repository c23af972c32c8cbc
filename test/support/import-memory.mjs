// Reads an export of ChatGPT of so many MB, as it would come out of a file, into pairs and chats, and
// tells the most memory that this process had. Its generator is counted in.
import { readFileSync } from 'node:fs';
import { itemsOf } from '../../dist/src/formats/json-items.js';
import { conversationOf } from '../../dist/src/formats/ready.js';
import { Tally } from '../../dist/src/formats/source.js';
import { planOf } from '../../dist/src/tree/import-plan.js';

const MB = Number(process.argv[2]);
const MESSAGES = 100;
const WORDS = 'The quick brown fox jumps over the lazy dog, and æøå 🦊 too. '.repeat(10);
const PIECE_BYTES = 64 * 1024;

function conversation(c) {
  const mapping = { root: { id: 'root', parent: null, children: ['m0'], message: null } };
  for (let n = 0; n < MESSAGES; n++) {
    // Every twentieth message begins a branch.
    const parent = n === 0 ? 'root' : `m${n % 20 === 19 ? n - 3 : n - 1}`;
    const message = {
      author: { role: n % 2 ? 'assistant' : 'user' },
      create_time: 1.7e9 + n + 0.125,
      content: { content_type: 'text', parts: [`${n} ${WORDS}`] },
      metadata: { model_slug: 'gpt-4o' },
      recipient: 'all',
    };
    mapping[`m${n}`] = { id: `m${n}`, parent, children: [], message };
  }
  return { id: `c${c}`, title: 't', create_time: 1.7e9, mapping, current_node: `m${MESSAGES - 1}` };
}

async function* pieces(told) {
  for (let c = 0; told.bytes < MB * 1e6; c++) {
    const json = Buffer.from((c ? ',' : '[') + JSON.stringify(conversation(c)));
    told.bytes += json.length;
    for (let at = 0; at < json.length; at += PIECE_BYTES) yield json.subarray(at, at + PIECE_BYTES);
  }
  yield Buffer.from(']');
}

const told = { bytes: 0, messages: 0, pairs: 0, chats: 0 };
for await (const item of itemsOf(pieces(told), 'list')) {
  const { messageCount, pairs, head } = conversationOf(item, new Tally());
  told.messages += messageCount;
  told.pairs += pairs.length;
  told.chats += planOf(pairs, head).lines.length;
}
// Not `maxRSS`: that begins with what the process had which started this one.
const [, peakKb] = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'));
console.log(JSON.stringify({ ...told, peakMb: (Number(peakKb) * 1024) / 1e6 }));
