// npm run house: the bars of this house as a table: what each is, how much there is, and whether it
// is kept. Exits 1 when one is broken. Everything is read from the files as they are; what only a
// running server shows (how many statements an answer sends) is held by `npm test -- answer-costs`.
import { parseArgs } from 'node:util';
import {
  cycles,
  filesIn,
  longestFile,
  longestFunction,
  longestLine,
  mostParameters,
  participles,
  testsToSources,
  typesOfOneName,
  unnumbered,
  walk,
} from './house/bars.mjs';
import { readSources } from './house/sources.mjs';

const HELP = `npm run house

Prints the bars that this code is held to, with what there is now, and exits 1 when one is broken.
The append is followed as docs/architecture.md walks it: each file must import the next one.
Statements are counted by a test: npm test -- answer-costs`;

if (parseArgs({ options: { help: { type: 'boolean', short: 'h' } } }).values.help) {
  console.log(HELP);
  process.exit(0);
}

const read = readSources();
const { sources } = read;
const atMost = (bar, limit, { value, at = '' }) => ({
  ...{ bar: `${bar} ≤ ${limit}`, value, kept: value <= limit, at },
});
const none = (bar, found) => ({
  bar,
  value: found.length,
  kept: !found.length,
  at: found.join(', '),
});
const ratio = testsToSources(read);

const bars = [
  atMost('files from the route of an append to its SQL', 6, {
    value: walk(sources, 'An append').length,
  }),
  atMost('files in modules/message and modules/answer', 34, {
    value: filesIn(sources, 'message', 'answer').length,
  }),
  atMost('lines of the longest file', 400, longestFile(sources)),
  atMost('lines of the longest function', 70, longestFunction(sources)),
  atMost('characters of the longest line', 100, longestLine(sources)),
  atMost('parameters of a constructor', 5, mostParameters(sources)),
  none(
    'cycles of imports: none',
    cycles(sources).map((files) => files.join(' → ')),
  ),
  none('types that two files export under one name: none', typesOfOneName(sources)),
  none('participles as types: none', participles(sources)),
  none('decisions without a number of their own: none', unnumbered()),
  {
    bar: 'code of tests : code of sources, in lines ≥ 0.8',
    value: ratio,
    kept: ratio >= 0.8,
    at: '',
  },
];

const width = Math.max(...bars.map(({ bar }) => bar.length));
for (const { bar, value, kept, at } of bars)
  console.log(`${kept ? 'kept  ' : 'BROKEN'}  ${bar.padEnd(width)}  ${value}  ${at}`.trimEnd());
console.log('\nStatements of an answer: npm test -- answer-costs');
process.exit(bars.every(({ kept }) => kept) ? 0 : 1);
