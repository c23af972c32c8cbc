// Holds openapi.json and asyncapi.yaml against the rules of their own specifications, by the
// linters that their readers use: Redocly's and the parser of AsyncAPI. Exits 1 on an error of
// either; warnings are shown. Both are large, so they are fetched for this alone.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const REDOCLY = '@redocly/cli@2.77.0';
const ASYNCAPI = '@asyncapi/parser@3.6.6';
const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Spectral's word for an error. */
const ERROR = 0;

const dir = mkdtempSync(join(tmpdir(), 'banyan-documents-'));

function openApiErrors() {
  const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' };
  const args = ['lint', '--extends', 'recommended', '--format', 'json', join(ROOT, 'openapi.json')];
  const { stdout, stderr } = spawnSync(join(dir, 'node_modules/.bin/redocly'), args, {
    cwd: dir,
    env,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (!stdout.includes('"problems"'))
    throw new Error(`redocly said nothing that can be read:\n${stdout}\n${stderr}`);
  const { problems } = JSON.parse(stdout.slice(stdout.indexOf('{')));
  for (const { severity, message, location } of problems)
    console.log(`openapi.json ${severity}: ${location?.[0]?.pointer ?? ''} ${message}`);
  return problems.filter(({ severity }) => severity === 'error').length;
}

async function asyncApiErrors() {
  const { Parser } = createRequire(join(dir, 'package.json'))('@asyncapi/parser');
  const file = join(ROOT, 'asyncapi.yaml');
  const { diagnostics } = await new Parser().parse(readFileSync(file, 'utf8'), { source: file });
  for (const { severity, message, path } of diagnostics) {
    console.log(
      `asyncapi.yaml ${severity === ERROR ? 'error' : 'warn'}: ${path.join('.')} ${message}`,
    );
  }
  return diagnostics.filter(({ severity }) => severity === ERROR).length;
}

try {
  execFileSync(
    'npm',
    ['install', '--prefix', dir, '--no-audit', '--no-fund', '--silent', REDOCLY, ASYNCAPI],
    { stdio: 'inherit' },
  );
  const errors = openApiErrors() + (await asyncApiErrors());
  console.log(`openapi.json and asyncapi.yaml: ${errors} errors`);
  process.exitCode = errors === 0 ? 0 : 1;
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(dir, { recursive: true, force: true });
}
