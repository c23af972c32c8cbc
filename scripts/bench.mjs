// npm run bench: builds the server and the bench when needed, then measures. Options: npm run bench
// -- --help
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { buildIfStale } from './build-if-stale.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * The bench beside the compiled server, so that it imports what users run. Types are checked by
 * `npm run typecheck`.
 */
function transpileBench() {
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 };
  for (const file of readdirSync(join(ROOT, 'bench'), { recursive: true })) {
    if (!file.endsWith('.ts')) continue;
    const { outputText } = ts.transpileModule(readFileSync(join(ROOT, 'bench', file), 'utf8'), {
      compilerOptions,
      fileName: file,
    });
    const target = join(ROOT, 'dist/bench', file.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, outputText);
  }
}

try {
  await buildIfStale();
  transpileBench();
  const { main } = await import('../dist/bench/main.js');
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
