// Steps about files. Forms are written out, so that no file is needed on the disk.

const BOUNDARY = 'banyan-form';
const TYPE = { 'Content-Type': `multipart/form-data; boundary=${BOUNDARY}` };

const form = (...parts) =>
  [...parts.flatMap((part) => [`--${BOUNDARY}`, ...part]), `--${BOUNDARY}--`, ''].join('\r\n');
const text = (field, value) => [`Content-Disposition: form-data; name="${field}"`, '', value];
const file = (name, words, field = 'file') => [
  `Content-Disposition: form-data; name="${field}"; filename="${name}"`,
  'Content-Type: image/png',
  '',
  words,
];

export const files = [
  {
    op: 'createFile',
    headers: TYPE,
    raw: form(file('notes.png', 'No picture, but some words.')),
    set: { file_id: 'answer.file_id' },
    tests: { 'it is what it is, whatever was said': "answer.media_type === 'text/plain'" },
  },
  { op: 'getFile', tests: { 'it has its name': "answer.name === 'notes.png'" } },
  {
    op: 'listFiles',
    tests: {
      'the list has it': "answer.items[0].file_id === pm.collectionVariables.get('file_id')",
    },
  },
  {
    op: 'getFileContent',
    stream: true,
    tests: { 'its words came back': "answer.includes('some words')" },
  },
  {
    op: 'createFile',
    name: 'Under another name than file',
    headers: TYPE,
    raw: form(file('notes.txt', 'x', 'upload')),
    status: 422,
    code: 'validation_failed',
  },
  { op: 'deleteFile' },
  { op: 'getFile', name: 'It is gone', status: 404, code: 'file_not_found' },
];

const named = { file_id: '{{openai_file_id}}' };

export const openAiFiles = [
  {
    op: 'createOpenAiFile',
    headers: TYPE,
    raw: form(text('purpose', 'user_data'), file('notes.txt', 'Some words.')),
    set: { openai_file_id: 'answer.id' },
    tests: { 'it is for what was said': "answer.purpose === 'user_data'" },
  },
  { op: 'getOpenAiFile', path: named },
  {
    op: 'listOpenAiFiles',
    query: { purpose: 'user_data' },
    tests: {
      'the list has it': "answer.first_id === pm.collectionVariables.get('openai_file_id')",
    },
  },
  {
    op: 'getOpenAiFileContent',
    path: named,
    stream: true,
    tests: { 'its words came back': "answer === 'Some words.'" },
  },
  { op: 'deleteOpenAiFile', path: named, tests: { 'it is gone': 'answer.deleted === true' } },
];
