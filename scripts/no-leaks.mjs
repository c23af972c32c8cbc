const MUTATORS = new Set([
  'push',
  'pop',
  'shift',
  'unshift',
  'splice',
  'set',
  'add',
  'delete',
  'clear',
  'fill',
  'sort',
  'reverse',
]);

/**
 * A function that takes `tx` is work of a transaction: what PostgreSQL rolls back is run again, and
 * then what the first run left outside is not true. So it keeps nothing but what it returns: no
 * assignment to what is outside of it, to its parameters or to `this`, and nothing put into them.
 */
export const noLeaks = {
  meta: {
    type: 'problem',
    schema: [],
    messages: { leak: 'the work of a transaction may run twice: return it instead' },
  },
  create: ({ sourceCode, report }) => {
    const tell = (node) => report({ node, messageId: 'leak' });
    const check = (work) => {
      if (!work.params.some(({ name }) => name === 'tx')) return;
      const own = sourceCode.getScope(work.body);
      const scope = own.block === work ? own : own.upper;
      const outer = scope.through.filter(({ resolved }) => resolved);
      const params = scope.variables
        .filter(({ defs }) => defs[0]?.type === 'Parameter')
        .flatMap(({ references }) => references);
      for (const one of [...outer, ...params])
        if ((one.isWrite() && !one.init) || isChanged(one.identifier, !isTx(one)))
          tell(one.identifier);
    };
    return {
      FunctionDeclaration: check,
      FunctionExpression: check,
      ArrowFunctionExpression: check,
      ThisExpression: (node) => isChanged(node, false) && takesTx(node) && tell(node),
    };
  },
};

/** What is put into the database, or taken out of it, is undone with the rest. */
const isTx = ({ identifier }) => identifier.name === 'tx';

const takesTx = (node) =>
  node && (node.params?.some(({ name }) => name === 'tx') || takesTx(node.parent));

/** Whether something of it is assigned, or put into it. */
function isChanged(node, orPutInto = true) {
  let part = node;
  while (part.parent.type === 'MemberExpression' && part.parent.object === part) part = part.parent;
  if (part === node) return false;
  const { parent } = part;
  if (parent.type === 'AssignmentExpression') return parent.left === part;
  if (
    parent.type === 'UpdateExpression' ||
    (parent.type === 'UnaryExpression' && parent.operator === 'delete')
  )
    return true;
  return (
    orPutInto &&
    parent.type === 'CallExpression' &&
    parent.callee === part &&
    MUTATORS.has(part.property.name)
  );
}
