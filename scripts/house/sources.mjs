// What the source files say of themselves, read once by the compiler's own parser.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const TEST = /\.(spec|e2e-spec|contract)\.ts$/;
/** What CI tests a started server, the image, the documents and a fresh clone with. */
const CHECK = /^scripts\/(postman-|newman|clients|fresh-clone|\w+-check)/;
const CODE = /\.(ts|tsx|mjs|py)$/;

/** Files of the repository, and those that are not committed yet. */
function filesUnder(...folders) {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '--deduplicate'];
  const all = execFileSync('git', [...args, ...folders], { cwd: ROOT, encoding: 'utf8' });
  const gone = execFileSync('git', ['ls-files', '--deleted'], { cwd: ROOT, encoding: 'utf8' });
  const isGone = new Set(gone.split('\n'));
  return all.split('\n').filter((file) => CODE.test(file) && !isGone.has(file));
}

export const textOf = (file) => readFileSync(join(ROOT, file), 'utf8');

function parsed(file) {
  const text = textOf(file);
  return { file, text, tree: ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true) };
}

/** What runs: `src/`, parsed; and what tests it, by name. */
export function readSources() {
  const files = filesUnder('src');
  return {
    sources: files.filter((file) => file.endsWith('.ts') && !TEST.test(file)).map(parsed),
    tests: [
      ...filesUnder('test'),
      ...files.filter((file) => TEST.test(file)),
      ...filesUnder('scripts').filter((file) => CHECK.test(file)),
    ],
  };
}

/**
 * The files of ours that a file imports.
 * @param ofTypes also where it imports nothing but types, which is gone when it runs
 */
export function importsOf({ file, tree }, ofTypes = false) {
  return tree.statements
    .filter((node) => ts.isImportDeclaration(node) || ts.isExportDeclaration(node))
    .filter((node) => node.moduleSpecifier?.text.startsWith('.') && (ofTypes || !isOfTypes(node)))
    .map(({ moduleSpecifier: { text } }) =>
      normalize(join(dirname(file), text.replace(/\.js$/, '.ts'))),
    );
}

function isOfTypes({ importClause, isTypeOnly }) {
  if (isTypeOnly || importClause?.isTypeOnly) return true;
  const named = importClause?.namedBindings?.elements;
  return !importClause?.name && Boolean(named?.length) && named.every((one) => one.isTypeOnly);
}

/** All nodes below one, itself included. */
export function* nodesOf(node) {
  yield node;
  for (const child of node.getChildren()) yield* nodesOf(child);
}

/** Types that a file declares for itself or for others. */
export const typesOf = ({ file, tree }) =>
  tree.statements
    .filter(
      (node) =>
        ts.isInterfaceDeclaration(node) ||
        ts.isTypeAliasDeclaration(node) ||
        ts.isClassDeclaration(node),
    )
    .map(({ name, modifiers = [] }) => ({
      name: name.text,
      file,
      isExported: modifiers.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword),
    }));
