import type { Tally } from '../../formats/source.js';

/** What became of the conversations of a file. */
export interface ImportReport {
  conversations: {
    read: number;
    added: number;
    updated: number;
    unchanged: number;
    refused: number;
  };
  /** What was added: chats are roots and branches. */
  added: { chats: number; pairs: number; messages: number; files: number };
  /** What could not be taken as it was, by kind (docs/imports.md). */
  changed: Record<string, number>;
  /** The first of those that were refused, and why. */
  refused: { conversation: string; code: string; message: string }[];
}

export const REFUSED_TOLD_MAX = 100;

export const emptyReport = (): ImportReport => ({
  conversations: { read: 0, added: 0, updated: 0, unchanged: 0, refused: 0 },
  added: { chats: 0, pairs: 0, messages: 0, files: 0 },
  changed: {},
  refused: [],
});

/** A report with one conversation more; the given one stays as it is. */
export function withOne(
  report: ImportReport,
  kind: 'added' | 'updated' | 'unchanged' | 'refused',
  added: Partial<ImportReport['added']> = {},
  tally?: Tally,
): ImportReport {
  const conversations = { ...report.conversations };
  conversations.read++;
  conversations[kind]++;
  const sum = { ...report.added };
  for (const [name, count] of Object.entries(added) as [keyof typeof sum, number][])
    sum[name] += count;
  const changed = { ...report.changed };
  for (const [name, count] of Object.entries(tally?.toJSON() ?? {}))
    changed[name] = (changed[name] ?? 0) + count;
  return { conversations, added: sum, changed, refused: report.refused };
}

export function withRefusal(
  report: ImportReport,
  refusal: ImportReport['refused'][number],
): ImportReport {
  const next = withOne(report, 'refused');
  if (report.refused.length >= REFUSED_TOLD_MAX) return next;
  return { ...next, refused: [...report.refused, refusal] };
}
