// Text for a terminal: colours, widths, progress.

export const isTerminal = Boolean(process.stdout.isTTY) && process.env.TERM !== 'dumb';
const hasColour = isTerminal && !process.env.NO_COLOR;
export const width = Math.max(40, Math.min(process.stdout.columns || 100, 120));
export const style = (code) => (text) => (hasColour ? `\x1b[${code}m${text}\x1b[0m` : text);
export const paint = {
  plain: (text) => text,
  bold: style(1),
  dim: style(2),
  green: style('1;32'),
  cyan: style(36),
};

/**
 * A bar on a terminal, nothing elsewhere. The answered function counts a step and says what it was;
 * null takes the bar away.
 */
export function progressOf(total) {
  let done = 0;
  return (what) => {
    if (!isTerminal) return;
    if (what === null) return void process.stdout.write('\r\x1b[K');
    const filled = Math.round((20 * ++done) / total);
    const line = `${'█'.repeat(filled)}${'░'.repeat(20 - filled)} ${String(done).padStart(3)}/${total} ${what}`;
    process.stdout.write(`\r\x1b[K${cut(line, width - 1)}`);
  };
}

/** On one line, and without anything that a terminal would obey. */
export const flat = (text) => text.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim();

const graphemes = new Intl.Segmenter();
const WIDE =
  /\p{Extended_Pictographic}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/u;
export const cellsOf = (text) =>
  [...graphemes.segment(text)].reduce((sum, { segment }) => sum + (WIDE.test(segment) ? 2 : 1), 0);
export const pad = (text, cells) => text + ' '.repeat(Math.max(0, cells - cellsOf(text)));

export function cut(text, cells) {
  if (cellsOf(text) <= cells) return text;
  return `${head(text, cells - 1).trimEnd()}…`;
}

/** As much of the text as fits. */
export function head(text, cells) {
  let taken = '';
  for (const { segment } of graphemes.segment(text)) {
    if (cellsOf(taken + segment) > cells) break;
    taken += segment;
  }
  return taken;
}

export function wrap(text, cells) {
  const lines = [''];
  for (const word of flat(text).split(' ')) {
    const longer = lines.at(-1) ? `${lines.at(-1)} ${word}` : word;
    if (cellsOf(longer) <= cells) lines[lines.length - 1] = longer;
    else lines.push(cut(word, cells));
  }
  return lines[0] || lines.length === 1 ? lines : lines.slice(1);
}

export const heading = (text) => `\n${paint.bold(text)}\n`;
export const count = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;
export const nameOf = ({ name }) => flat(name ?? 'without a name');
