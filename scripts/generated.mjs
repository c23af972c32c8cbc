// Files that are made from others and kept in git, so that a change of them is seen in review.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';

const LINES_MAX = 20;

/** Writes a value as JSON, or with --check compares it with the file. Answers the exit code. */
export const writeOrCheck = (file, value, mend) =>
  writeOrCheckText(file, `${JSON.stringify(value, null, 2)}\n`, mend);

/** The same of a text. */
export function writeOrCheckText(file, text, mend) {
  const old = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (old === text) console.log(`${basename(file)} is up to date`);
  else if (!process.argv.includes('--check')) {
    writeFileSync(file, text);
    console.log(`${basename(file)} is written`);
  } else {
    console.error(
      `${basename(file)} is stale. Run: ${mend}\n${difference(old.split('\n'), text.split('\n'))}`,
    );
    return 1;
  }
  return 0;
}

/** What lies between the common beginning and the common end. */
function difference(old, now) {
  let from = 0;
  while (from < Math.min(old.length, now.length) && old[from] === now[from]) from++;
  let end = 0;
  while (end < Math.min(old.length, now.length) - from && old.at(-1 - end) === now.at(-1 - end))
    end++;
  const lines = [
    ...old.slice(from, old.length - end).map((line) => `- ${line}`),
    ...now.slice(from, now.length - end).map((line) => `+ ${line}`),
  ];
  const more = lines.length > LINES_MAX ? [`… and ${lines.length - LINES_MAX} more lines`] : [];
  return [`line ${from + 1}:`, ...lines.slice(0, LINES_MAX), ...more].join('\n');
}
