// The file of a transcript: read, and checked with the place of each fault.
import { readFile } from 'node:fs/promises';
import { Fault } from './fault.mjs';

export async function readTranscript(file) {
  const text = await readFile(file, 'utf8').catch((error) => {
    throw new Fault(
      error.code === 'ENOENT'
        ? `There is no file ${file}.`
        : `${file} cannot be read: ${error.message}`,
    );
  });
  const faults = [];
  const transcript = parseJson(text.replace(/^\uFEFF/, ''), file);
  checkChat(transcript, '', null, faults);
  const shown = faults
    .slice(0, 10)
    .map(({ place, fault }) => `  ${place || 'the whole file'}: ${fault}`);
  if (faults.length > shown.length) shown.push(`  … and ${faults.length - shown.length} more`);
  if (shown.length)
    throw new Fault(
      `${file} is not a conversation as examples/README.md describes it:\n${shown.join('\n')}`,
    );
  return transcript;
}

function parseJson(text, file) {
  try {
    return JSON.parse(text);
  } catch {
    const before = text.slice(0, faultAt(text)).split('\n');
    throw new Fault(
      `${file}, line ${before.length}, column ${before.at(-1).length + 1}: this is not JSON.`,
    );
  }
}

const STRING = /"(?:[^"\\\r\n\t]|\\(?:["\\/bfnrt]|u[\da-f]{4}))*"/iy;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?|true|false|null/iy;

/** The first place in a text at which it cannot be JSON: V8 tells that of some faults only. */
function faultAt(text) {
  let at = 0;
  const take = (pattern) => {
    while (' \t\r\n'.includes(text[at] ?? '-')) at++;
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) at += found[0].length;
    return found !== null;
  };
  const list = (close, item) => {
    if (take(close)) return true;
    do if (!item()) return false;
    while (take(/,/y));
    return take(close);
  };
  const member = () => take(STRING) && take(/:/y) && value();
  const value = () =>
    take(/\{/y)
      ? list(/\}/y, member)
      : take(/\[/y)
        ? list(/\]/y, value)
        : take(STRING) || take(SCALAR);
  if (value()) take(/$/y);
  return at;
}

const isText = (value) => typeof value === 'string' && value.trim() !== '';
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const CHAT_FIELDS = ['name', 'system_prompt', 'active', 'pairs', 'branches'];
const PAIR_FIELDS = [
  ...['question', 'response', 'message_type', 'metadata'],
  ...['question_parts', 'response_parts'],
];

/**
 * Adds what is wrong to `faults`. `inherited` is the length of the parent's path; null for the
 * root, which has no `at`.
 */
function checkChat(chat, place, inherited, faults) {
  const at = (field) => (place ? `${place}.${field}` : field);
  const mustBe = (field, holds, fault) => holds || faults.push({ place: at(field), fault });
  if (!isObject(chat)) return void faults.push({ place, fault: 'must be an object' });
  const fields =
    inherited === null
      ? CHAT_FIELDS
      : [...CHAT_FIELDS.filter((field) => field !== 'system_prompt'), 'at'];
  checkFields(chat, fields, place, faults);
  const { name, system_prompt: prompt, active, pairs = [], branches = [] } = chat;
  const fork = inherited === null ? 0 : chat.at;
  mustBe('name', isText(name), 'must be text');
  mustBe('system_prompt', prompt === undefined || isText(prompt), 'must be text');
  mustBe('active', active === undefined || typeof active === 'boolean', 'must be true or false');
  mustBe(
    'at',
    Number.isInteger(fork) && fork >= 0 && fork <= (inherited ?? 0),
    `must be a pair of its parent, 0 to ${inherited}`,
  );
  if (mustBe('pairs', Array.isArray(pairs), 'must be a list') === true)
    pairs.forEach((pair, i) => checkPair(pair, `${at('pairs')}[${i}]`, faults));
  if (mustBe('branches', Array.isArray(branches), 'must be a list') !== true) return;
  const length = fork + (Array.isArray(pairs) ? pairs.length : 0);
  branches.forEach((branch, i) => checkChat(branch, `${at('branches')}[${i}]`, length, faults));
}

/**
 * The rules of the types and sizes are the server's: it names the field, and the demo the place.
 */
function checkPair(pair, place, faults) {
  if (!isObject(pair)) return void faults.push({ place, fault: 'must be an object' });
  checkFields(pair, PAIR_FIELDS, place, faults);
  for (const field of ['question', 'response']) {
    const parts = pair[`${field}_parts`];
    const isSaid = isText(pair[field]) || (Array.isArray(parts) && parts.length > 0);
    if (!isSaid) faults.push({ place: `${place}.${field}`, fault: 'must be text' });
  }
}

function checkFields(object, known, place, faults) {
  const stray = Object.keys(object).filter((key) => !known.includes(key));
  for (const key of stray)
    faults.push({
      place,
      fault: `has no field ${JSON.stringify(key)}; known are ${known.join(', ')}`,
    });
}
