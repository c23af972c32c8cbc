import type { FilePart, Part } from '../../tree/parts.js';

/** A side of a pair, and where it stands in the request, as `question_parts`. */
export interface Side {
  parts: readonly Part[] | null | undefined;
  path: string;
}

export interface PlacedFile {
  part: FilePart & { file_id: string };
  path: string;
}

const isKept = (part: unknown): part is PlacedFile['part'] =>
  typeof part === 'object' &&
  part !== null &&
  (part as FilePart).type === 'file' &&
  (part as FilePart).file_id !== undefined;

/** The parts of a side that name a file of the account, those in the outputs of tools too. */
export function keptFilesIn({ parts, path }: Side): PlacedFile[] {
  return (parts ?? []).flatMap((part, n) => {
    const here = `${path}.${n}`;
    if (isKept(part)) return [{ part, path: here }];
    if (part.type !== 'tool_result' || !Array.isArray(part.output)) return [];
    return part.output.flatMap((piece: unknown, m) =>
      isKept(piece) ? [{ part: piece, path: `${here}.output.${m}` }] : [],
    );
  });
}

/** The ids of all files that some sides name, each once. */
export const fileIdsIn = (...sides: readonly (readonly Part[] | null | undefined)[]): string[] => [
  ...new Set(
    sides.flatMap((parts) => keptFilesIn({ parts, path: '' }).map(({ part }) => part.file_id)),
  ),
];
