import { getImport, importFile } from '../api/banyan';
import type { ImportJob } from '../api/types';
import { attempt, say } from './notices';

const LOOK_MS = 1_000;

/** Imports an export of another product, and says in the end what became of it. */
export function takeIn(file: File): void {
  attempt(async () => {
    let job = await importFile(file);
    say(`“${file.name}” is being imported. Its conversations appear in the list.`);
    while (job.status === 'waiting' || job.status === 'running') {
      await new Promise((wake) => setTimeout(wake, LOOK_MS));
      job = await getImport(job.import_id);
    }
    say(outcomeOf(file.name, job));
  });
}

function outcomeOf(name: string, { status, error, report }: ImportJob): string {
  if (error) return `“${name}”: ${error.message}`;
  if (status === 'cancelled') return `“${name}” was not imported to its end.`;
  const { added, updated, unchanged, refused } = report.conversations;
  const counts = [
    [added, 'new'],
    [updated, 'with something new'],
    [unchanged, 'here already'],
    [refused, 'refused'],
  ] as const;
  const told = counts.flatMap(([count, what]) => (count > 0 ? [`${count} ${what}`] : []));
  return `Conversations of “${name}”: ${told.join(', ') || 'none in it'}.`;
}
