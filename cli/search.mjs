/** Prints what was found, a line for each side that has it. */
export async function search(api, words, { chat, json, ...options }) {
  const asked = { q: words.join(' '), chat_id: chat };
  for (const name of ['type', 'side', 'from', 'to', 'sort', 'limit']) asked[name] = options[name];
  const query = new URLSearchParams(Object.entries(asked).filter(([, value]) => value));
  const found = await api.json('GET', `/search?${query}`);
  if (json) return console.log(JSON.stringify(found));
  for (const { name, chat_id: id, seq, timestamp, highlight } of found.items) {
    console.log(`${name ?? 'Untitled'}  pair ${seq} of ${id}  ${timestamp.slice(0, 10)}`);
    for (const [side, said] of Object.entries(highlight)) console.log(`  ${side}: ${marked(said)}`);
  }
  if (found.items.length === 0) console.error('Nothing was found.');
  if (found.next_cursor) console.error('There is more: --limit');
}

/** What was found stands out on a terminal. */
function marked({ text, ranges }) {
  if (!process.stdout.isTTY) return text.replace(/\s+/g, ' ');
  let shown = '';
  let at = 0;
  for (const [from, to] of ranges) {
    shown += `${text.slice(at, from)}\x1b[1m${text.slice(from, to)}\x1b[22m`;
    at = to;
  }
  return (shown + text.slice(at)).replace(/\s+/g, ' ');
}
