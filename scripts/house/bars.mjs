// The bars that the house is held to. Each is a number that the sources have, and its limit.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { importsOf, nodesOf, ROOT, textOf, typesOf } from './sources.mjs';

const most = (all) => all.reduce((best, one) => (one.value > best.value ? one : best));
const linesIn = (text) => text.trimEnd().split('\n').length;

/**
 * The files of a walk of docs/architecture.md, in its order; each must import the one behind it,
 * else it is no walk.
 * @throws where it goes on to a file that is not there or not known
 */
export function walk(sources, title) {
  const [, list] =
    textOf('docs/architecture.md').match(
      new RegExp(`\\*\\*${title}\\*\\*.*?\\n\\n(1\\. .*?)\\n\\n`, 's'),
    ) ?? [];
  if (!list) throw new Error(`docs/architecture.md walks no way that is called "${title}"`);
  const files = list.split('\n').flatMap((line) => {
    const [, file] = line.match(/^\d+\. `([^`]+)`/) ?? [];
    return file ? [`src/modules/${file}`] : [];
  });
  files.forEach((file, at) => {
    const source = sources.find((one) => one.file === file);
    if (!source) throw new Error(`the walk of ${title} names ${file}, which is not there`);
    const next = files[at + 1];
    if (next && !importsOf(source, true).includes(next))
      throw new Error(
        `the walk of ${title} goes from ${file} to ${next}, which it does not import`,
      );
  });
  return files;
}

export const filesIn = (sources, ...folders) =>
  sources.filter(({ file }) => folders.some((folder) => file.startsWith(`src/modules/${folder}/`)));

export const longestFile = (sources) =>
  most(sources.map(({ file, text }) => ({ value: linesIn(text), at: file })));

const isComment = (line) => /^\s*(\/\/|\/\*|\*)/.test(line);

export const longestFunction = (sources) =>
  most(
    sources.flatMap(({ file, text, tree }) => {
      const lines = text.split('\n');
      const lineOf = (position) => tree.getLineAndCharacterOfPosition(position).line;
      return [...nodesOf(tree)]
        .filter((node) => ts.isFunctionLike(node) && node.body)
        .map((node) => {
          const [from, to] = [lineOf(node.getStart()), lineOf(node.end)];
          const own = lines.slice(from, to + 1).filter((line) => !isComment(line));
          return { value: own.length, at: `${file}:${from + 1}` };
        });
    }),
  );

const isText = (node) =>
  ts.isStringLiteral(node) ||
  ts.isNoSubstitutionTemplateLiteral(node) ||
  ts.isTemplateExpression(node) ||
  ts.isRegularExpressionLiteral(node);

/** Lines with texts in them may be longer: nobody wraps a sentence or a statement. */
export const longestLine = (sources) =>
  most(
    sources.flatMap(({ file, text, tree }) => {
      const withText = new Set();
      for (const node of nodesOf(tree)) {
        if (!isText(node)) continue;
        const from = tree.getLineAndCharacterOfPosition(node.getStart()).line;
        const to = tree.getLineAndCharacterOfPosition(node.end).line;
        for (let line = from; line <= to; line++) withText.add(line);
      }
      return text.split('\n').map((line, at) => ({
        value: withText.has(at) || line.includes('://') ? 0 : line.length,
        at: `${file}:${at + 1}`,
      }));
    }),
  );

export const mostParameters = (sources) =>
  most(
    sources.flatMap(({ file, tree }) =>
      [...nodesOf(tree)]
        .filter((node) => ts.isConstructorDeclaration(node))
        .map(({ parameters }) => ({ value: parameters.length, at: file })),
    ),
  );

/** Files that import each other, over however many others (Tarjan 1972: what is strongly connected). */
export function cycles(sources) {
  const imports = new Map(sources.map((source) => [source.file, importsOf(source)]));
  const order = new Map();
  const open = [];
  const found = [];
  const visit = (file) => {
    const own = order.size;
    order.set(file, own);
    open.push(file);
    let first = own;
    for (const next of imports.get(file) ?? []) {
      if (!order.has(next)) first = Math.min(first, visit(next));
      else if (open.includes(next)) first = Math.min(first, order.get(next));
    }
    if (first < own) return first;
    const together = open.splice(open.indexOf(file));
    if (together.length > 1) found.push(together);
    return first;
  };
  for (const file of imports.keys()) if (!order.has(file)) visit(file);
  return found;
}

/** Decisions without a number, or with one that another has. */
export function unnumbered() {
  const names = readdirSync(join(ROOT, 'docs/decisions')).filter((name) => name.endsWith('.md'));
  const numbers = names.map((name) => name.slice(0, 5));
  return names.filter((name, at) => !/^\d{4}-/.test(name) || numbers.indexOf(numbers[at]) !== at);
}

/** Names that two files give to types of theirs for others. */
export function typesOfOneName(sources) {
  const files = new Map();
  for (const { name, file, isExported } of sources.flatMap(typesOf))
    if (isExported) files.set(name, [...(files.get(name) ?? []), file]);
  return [...files].filter(([, all]) => all.length > 1).map(([name, all]) => `${name} in ${all}`);
}

/** One word with the end of a participle, and words like it that are nouns. */
const PARTICIPLE = /^[A-Z][a-z]*([^e]ed|ing|wn|tten|[kos]en|old|aid|[^r]ade|ound|ept|[^mt]ent)$/;
const NOUNS = new Set(['Event', 'Finding', 'Shutdown', 'Sibling', 'Token']);

/** Types are named by what they are, not by what was done to them (docs/words.md). */
export const participles = (sources) =>
  sources
    .flatMap(typesOf)
    .filter(({ name }) => PARTICIPLE.test(name) && !NOUNS.has(name))
    .map(({ name, file }) => `${name} in ${file}`);

const codeIn = (text) =>
  text.split('\n').filter((line) => line.trim() !== '' && !isComment(line)).length;

/** Lines of code: neither comments nor nothing. */
export function testsToSources({ sources, tests }) {
  const ofSources = sources.reduce((sum, { text }) => sum + codeIn(text), 0);
  const ofTests = tests.reduce((sum, file) => sum + codeIn(textOf(file)), 0);
  return Math.round((ofTests / ofSources) * 100) / 100;
}
