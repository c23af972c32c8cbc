// What the demo prints: the tree, two branches side by side, and what to try next.
import { get } from './api.mjs';
import {
  cellsOf,
  count,
  cut,
  flat,
  heading,
  nameOf,
  pad,
  paint,
  width,
  wrap,
} from './terminal.mjs';

const COMPARED_PAIRS_MAX = 2;
const ANSWER_LINES_MAX = 8;

/** The tree as the server tells it, with the question at each fork point. */
export async function showTree(session, rootId) {
  const { tree, total } = await get(session, `/chats/${rootId}/branches`);
  const questions = new Map();
  const visit = async (node) => {
    for (const { fork_response_id: id } of node.children) {
      if (id && !questions.has(id))
        questions.set(id, (await get(session, `/chats/${node.chat_id}/messages/${id}`)).question);
    }
    for (const child of node.children) await visit(child);
  };
  await visit(tree);
  console.log(heading(`The tree: ${count(total - 1, 'branch', 'branches')}`));
  console.log(
    paint.dim('  A branch hangs under the last question that it shares with its parent.\n'),
  );
  console.log([`  ${chatLabel(tree, 2)}`, ...treeLines(tree, questions, '  ')].join('\n'));
}

function treeLines(node, questions, prefix) {
  const seqs = [...new Set(node.children.map((child) => child.fork_seq))].sort((a, b) => a - b);
  return seqs.flatMap((seq, i) => {
    const children = node.children.filter((child) => child.fork_seq === seq);
    const [elbow, below] = i === seqs.length - 1 ? ['└─ ', '   '] : ['├─ ', '│  '];
    const label =
      seq === 0
        ? 'before the first question'
        : `${seq} “${flat(questions.get(children[0].fork_response_id))}`;
    const shown = cut(label, width - cellsOf(prefix) - 4) + (seq === 0 ? '' : '”');
    return [
      prefix + elbow + paint.dim(shown),
      ...children.flatMap((child, j) =>
        chatLines(child, questions, prefix + below, j === children.length - 1),
      ),
    ];
  });
}

function chatLines(chat, questions, prefix, isLast) {
  const label = chatLabel(chat, cellsOf(prefix) + 3);
  return [
    `${prefix}${isLast ? '└─ ' : '├─ '}${label}`,
    ...treeLines(chat, questions, `${prefix}${isLast ? '   ' : '│  '}`),
  ];
}

function chatLabel(chat, indent) {
  const own = chat.message_count - chat.fork_seq;
  const counts = ` · ${count(chat.message_count, 'pair')}${chat.fork_seq ? `, ${own} of its own` : ''}`;
  const mark = chat.active ? ' ◀ active' : '';
  const name = cut(nameOf(chat), width - indent - cellsOf(counts + mark));
  return `${(chat.active ? paint.green : paint.bold)(name)}${counts}${paint.green(mark)}`;
}

/**
 * A branch that shows what branching is for, and its parent: a question answered twice, else any
 * that left its parent on the way.
 */
function pickCompared(chats) {
  const next = ({ parent, at }) => parent?.path[at];
  const left = chats.filter((chat) => next(chat) && chat.path[chat.at]);
  return left.find((chat) => next(chat).question === chat.path[chat.at].question) ?? left[0];
}

export async function showCompared(session, chats) {
  const branch = pickCompared(chats);
  if (!branch) return;
  const { common, left, right } = await get(
    session,
    `/chats/${branch.parent.id}/compare?with=${branch.id}`,
  );
  const isTwice = left.qa_pairs[0].question === right.qa_pairs[0].question;
  console.log(
    heading(isTwice ? 'One question, two answers, side by side' : 'Two branches, side by side'),
  );
  if (common) {
    const { question } = await get(
      session,
      `/chats/${common.chat_id}/messages/${common.response_id}`,
    );
    console.log(
      paint.dim(
        `  Both share the pairs up to ${cut(`${common.seq} “${flat(question)}`, width - 42)}”; from there:\n`,
      ),
    );
  }
  const tails = [columnOf(branch.parent, left.qa_pairs), columnOf(branch, right.qa_pairs)];
  console.log((width < 72 ? stacked(tails) : sideBySide(tails)).join('\n'));
}

const cellWidth = () => (width < 72 ? width - 4 : Math.floor((width - 5) / 2));

const SPACE = ['', 'plain'];

/**
 * Blocks of lines with their style: the name of the chat, its next pairs, and how many more there
 * are.
 */
function columnOf(chat, pairs) {
  const blocks = pairs.slice(0, COMPARED_PAIRS_MAX).map(pairBlock);
  const more = pairs.length - blocks.length;
  const end = more > 0 ? [SPACE, [`… and ${count(more, 'more pair')}`, 'dim']] : [];
  return [
    [
      [cut(nameOf(chat), cellWidth()), 'bold'],
      ['─'.repeat(cellWidth()), 'dim'],
    ],
    ...blocks,
    end,
  ];
}

function pairBlock({ seq, question, response, message_type: type }) {
  const lines =
    type === 'code'
      ? response.split('\n').map(codeLine)
      : response.split(/\n+/).flatMap((line) => wrap(line, cellWidth()));
  const shown = lines.slice(0, ANSWER_LINES_MAX);
  if (shown.length < lines.length) shown[shown.length - 1] = cut(`${shown.at(-1)} …`, cellWidth());
  const asked = wrap(`${seq} ${question}`, cellWidth()).map((line) => [line, 'cyan']);
  return [SPACE, ...asked, ...shown.map((line) => [line, 'plain'])];
}

const codeLine = (line) =>
  cut(line.replace(/\t/g, '  ').replace(/[\p{Cc}\p{Cf}]/gu, ''), cellWidth());

function sideBySide([left, right]) {
  const rows = Math.max(left.length, right.length);
  return Array.from({ length: rows }, (_, i) => joined(left[i] ?? [], right[i] ?? [])).flat();
}

function joined(left, right) {
  return Array.from({ length: Math.max(left.length, right.length) }, (_, i) => {
    const [[l, leftStyle], [r, rightStyle]] = [left[i] ?? ['', 'plain'], right[i] ?? ['', 'plain']];
    return `  ${paint[leftStyle](pad(l, cellWidth()))} ${paint.dim('│')} ${paint[rightStyle](r)}`.trimEnd();
  });
}

const stacked = (tails) =>
  tails.flatMap((blocks) => [...blocks.flat().map(([line, name]) => `  ${paint[name](line)}`), '']);

/** What to do next: lines that work as they stand, in any POSIX shell. */
export function showNext({ url, email, password }, chats) {
  const active = chats.findLast((chat) => chat.active) ?? chats[0];
  const id = active.path.at(-1)?.response_id ?? null;
  const login = `curl -s $B/auth/login -H 'content-type: application/json' -d '${JSON.stringify({ email, password })}'`;
  const json = `-H "authorization: Bearer $TOKEN" -H 'content-type: application/json'`;
  console.log(heading('Look around'));
  console.log(`  e-mail     ${email}\n  password   ${password}\n  API docs   ${url}/docs\n`);
  console.log(
    paint.dim(
      '  Copy into a shell: log in, read the end of the active branch, go on from there in a branch of your own.\n',
    ),
  );
  console.log(`  B=${url}/api/v1`);
  console.log(`  TOKEN=$(${login} | node -p 'JSON.parse(fs.readFileSync(0)).access_token')`);
  console.log(
    `  curl -s "$B/chats/${active.id}/messages?limit=2" -H "authorization: Bearer $TOKEN"`,
  );
  console.log(
    `  curl -s $B/chats/${active.id}/branches ${json} -d '${JSON.stringify({ response_id: id, name: 'My own' })}'\n`,
  );
}
