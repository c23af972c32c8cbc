import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What `fsck --json` said. */
export interface FsckRun {
  code: number | null;
  /** Null when it could not check. */
  report: any;
  stdout: string;
  stderr: string;
}

/** Runs the compiled fsck on the stores that `env` names, in a folder without `.env`. */
export async function runFsck(env: Record<string, string>, ...args: string[]): Promise<FsckRun> {
  const child = spawn(process.execPath, [`${ROOT}dist/server/fsck.mjs`, ...args], {
    cwd: `${ROOT}test`,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = { stdout: '', stderr: '' };
  child.stdout.on('data', (data: Buffer) => (texts.stdout += data));
  child.stderr.on('data', (data: Buffer) => (texts.stderr += data));
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once('close', resolve).once('error', reject),
  );
  return { code, report: texts.stdout.startsWith('{') ? JSON.parse(texts.stdout) : null, ...texts };
}

/** The invariants that were violated, with their numbers: `{ I5: 2 }`. */
export function violationsOf(run: FsckRun): Record<string, number> {
  if (!run.report) throw new Error(`fsck ended with ${run.code}: ${run.stderr}`);
  const violated = run.report.invariants.filter((one: any) => one.violations > 0);
  return Object.fromEntries(violated.map((one: any) => [one.id, one.violations]));
}
