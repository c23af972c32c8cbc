// What the demo prints of a conversation that is more than texts: tools, files, thoughts.
import { cut, flat, heading, nameOf, paint, width, wrap } from './terminal.mjs';

const LINES_MAX = 6;
const TEXT_INDENT = 4;

/** The pairs of the first chat whose sides have parts, as the server answered them. */
export function showParts(chats) {
  const chat = chats.find(({ path, at }) => path.slice(at).some(isRich));
  if (!chat) return;
  console.log(heading('Tools, files and thoughts: a side is made of parts'));
  console.log(paint.dim(`  In “${cut(nameOf(chat), width - 12)}”:\n`));
  for (const pair of chat.path.slice(chat.at).filter(isRich)) console.log(linesOf(pair).join('\n'));
}

const isRich = ({ question_parts: asked, response_parts: told }) => Boolean(asked ?? told);

function linesOf({ seq, question, question_parts, response, response_parts }) {
  return [
    ...sideOf(question, question_parts).flatMap((part) => partLines(part, `${seq} `, 'cyan')),
    ...sideOf(response, response_parts).flatMap((part) => partLines(part, '', 'plain')),
  ];
}

const sideOf = (text, parts) => parts ?? (text === null ? [] : [{ type: 'text', text }]);

function partLines(part, mark, style) {
  switch (part.type) {
    case 'text':
      return indented(`${mark}${part.text}`, style);
    case 'reasoning':
      return indented(`(thinks) ${part.text}`, 'dim');
    case 'file':
      return indented(fileLine(part), 'bold');
    case 'tool_call':
      return indented(`→ ${part.name} ${JSON.stringify(part.input)}`, 'green');
    case 'tool_result':
      return indented(`← ${JSON.stringify(part.output)}`, 'green');
    default:
      return indented(`[${part.type}]`, 'dim');
  }
}

/** What is at an address has no size that is known. */
const fileLine = ({ media_type: type, name, url, bytes }) =>
  `[${type}] ${name ?? url ?? 'without a name'}${bytes === undefined ? '' : `, ${bytes} bytes`}`;

function indented(text, style) {
  const lines = wrap(flat(text), width - TEXT_INDENT);
  const shown = lines.slice(0, LINES_MAX);
  if (shown.length < lines.length) shown[shown.length - 1] = `${shown.at(-1)} …`;
  return shown.map((line) => `${' '.repeat(TEXT_INDENT)}${paint[style](line)}`);
}
