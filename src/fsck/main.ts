import { Logger } from '@nestjs/common';
import { loadToolConfig } from '../config/config.js';
import { type FsckOptions, parseFsckCommand } from './options.js';
import { linesOf, reportOf } from './report.js';
import { runChecks, type Tallies } from './runner.js';
import { type OpenStores, openStores } from './stores.js';

/** `npm run fsck`: checks both stores against each other; see `docs/operations.md`. */
async function fsck({ repair, json, quick }: FsckOptions): Promise<number> {
  Logger.overrideLogger(false); // stdout is for the report
  const stores = await openStores(loadToolConfig());
  try {
    const started = performance.now();
    const repairs = repair ? await mend(stores, quick) : null;
    const tallies = await runChecks(stores.checks, {
      repair: false,
      quick,
      onProgress: progress('checking'),
    });
    progress('')('', 0);
    const report = reportOf(stores.content, performance.now() - started, tallies, repairs);
    process.stdout.write(json ? `${JSON.stringify(report)}\n` : linesOf(report));
    return report.ok ? 0 : 1;
  } finally {
    await stores.close();
  }
}

async function mend(stores: OpenStores, quick: boolean): Promise<Tallies> {
  await stores.assertRepairable();
  const onProgress = progress('mending');
  const tallies = await runChecks(stores.checks, { repair: true, quick, onProgress });
  await stores.drain();
  return tallies;
}

/** One line that is written over, for people who wait; an empty text wipes it. */
function progress(doing: string): (of: string, count: number) => void {
  return (of, count) => {
    if (!process.stderr.isTTY) return;
    process.stderr.write(`\r\u001b[K${doing && `${doing}: ${count.toLocaleString('en')} ${of}`}`);
  };
}

async function main(): Promise<number> {
  const command = parseFsckCommand(process.argv.slice(2));
  if (command.kind === 'check') return fsck(command.options);
  (command.exitCode === 0 ? process.stdout : process.stderr).write(command.text);
  return command.exitCode;
}

void main()
  .catch((error: unknown) => {
    process.stderr.write(
      `fsck could not check: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    return 2;
  })
  // Whatever still holds the process (a connection that is being made) is not waited for; the exit
  // code is set, so pipes are flushed first.
  .then((code) => {
    process.exitCode = code;
    setTimeout(() => process.exit(code), 2000).unref();
  });
