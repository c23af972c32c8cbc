/** Draws the tree of a conversation, or of the newest ones of the account. */
export async function tree(api, chatId, { limit, json }) {
  const roots = chatId
    ? [chatId]
    : (await api.json('GET', `/chats?${new URLSearchParams({ limit })}`)).items.map(
        ({ chat_id: id }) => id,
      );
  const trees = [];
  for (const root of roots) trees.push(await whole(api, root));
  if (json) return console.log(JSON.stringify(chatId ? trees[0] : trees));
  if (trees.length === 0) console.error('There are no conversations yet: banyan import FILE');
  for (const nodes of trees) for (const line of drawn(nodes)) console.log(line);
}

/** All chats of a conversation, each behind its parent. */
async function whole(api, chatId) {
  const nodes = [];
  for (let cursor; ;) {
    const query = new URLSearchParams({ format: 'flat', ...(cursor && { cursor }) });
    const page = await api.json('GET', `/chats/${encodeURIComponent(chatId)}/branches?${query}`);
    nodes.push(...page.items);
    if (!page.next_cursor) return nodes;
    cursor = page.next_cursor;
  }
}

/** Lines of a tree. Without calls of itself: a tree may be as deep as it has chats. */
export function drawn(nodes) {
  const children = Map.groupBy
    ? Map.groupBy(nodes, ({ parent_chat_id: parent }) => parent)
    : groups(nodes);
  const known = new Set(nodes.map(({ chat_id: id }) => id));
  const lines = [];
  const waiting = nodes
    .filter(({ parent_chat_id: parent }) => parent === null || !known.has(parent))
    .reverse()
    .map((node) => ({ node, indent: '', branch: '' }));
  while (waiting.length > 0) {
    const { node, indent, branch } = waiting.pop();
    lines.push(`${indent}${branch}${label(node)}`);
    const inner = indent + (branch === '' ? '' : branch === '└─ ' ? '   ' : '│  ');
    const own = children.get(node.chat_id) ?? [];
    for (let n = own.length - 1; n >= 0; n--)
      waiting.push({ node: own[n], indent: inner, branch: n === own.length - 1 ? '└─ ' : '├─ ' });
  }
  return lines;
}

function groups(nodes) {
  const found = new Map();
  for (const node of nodes) {
    const others = found.get(node.parent_chat_id);
    if (others) others.push(node);
    else found.set(node.parent_chat_id, [node]);
  }
  return found;
}

function label({
  name,
  chat_id: id,
  parent_chat_id: parent,
  fork_seq: fork,
  message_count: count,
  active,
}) {
  const from = parent === null ? '' : `, from pair ${fork}`;
  const pairs = `${count} pair${count === 1 ? '' : 's'}`;
  return `${active ? '* ' : ''}${name ?? (parent === null ? 'Untitled' : 'branch')} (${pairs}${from})  ${id}`;
}
