// An export of ChatGPT that is made while it is read: nobody holds it as a whole.
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

/** A file of so many MB at least; `told.bytes` counts what was made of it. */
export function* pieces(mb, told) {
  for (let c = 0; told.bytes < mb * 1e6; c++) {
    const json = Buffer.from((c ? ',' : '[') + JSON.stringify(conversation(c)));
    told.bytes += json.length;
    for (let at = 0; at < json.length; at += PIECE_BYTES) yield json.subarray(at, at + PIECE_BYTES);
  }
  yield Buffer.from(']');
}
