// Steps about conversations that come in.

const EXPORT = [
  {
    uuid: '33333333-3333-4333-8333-333333333333',
    name: 'Boats',
    created_at: '2025-03-01T10:00:00Z',
    updated_at: '2025-03-01T10:00:00Z',
    chat_messages: [
      { uuid: 'q', sender: 'human', text: 'Hello', created_at: '2025-03-01T10:00:00Z' },
      { uuid: 'a', sender: 'assistant', text: 'Ahoy', created_at: '2025-03-01T10:00:01Z' },
    ],
  },
];

export const transfer = [
  {
    op: 'createImport',
    raw: JSON.stringify(EXPORT),
    set: { import_id: 'answer.import_id' },
    tests: { 'it is kept': "answer.status === 'waiting' && answer.bytes > 0" },
  },
  { op: 'getImport' },
  {
    op: 'listImports',
    tests: {
      'the list has it': "answer.items[0].import_id === pm.collectionVariables.get('import_id')",
    },
  },
  { op: 'cancelImport' },
  {
    op: 'exportChat',
    query: { format: 'markdown' },
    stream: true,
    tests: { 'it begins with front matter': "answer.startsWith('---')" },
  },
  {
    op: 'exportAccount',
    stream: true,
    tests: { 'it says what it is': 'answer.startsWith(\'{"format":"banyan"\')' },
  },
  { op: 'createImport', name: 'An empty file', raw: '', status: 422, code: 'import_empty' },
];
