import { Readable } from 'node:stream';
import { Problem, problems } from '../../common/problems.js';
import { SourceFile, type ImportPart, type Tally } from '../../formats/source.js';
import type { Part } from '../../tree/parts.js';
import type { Files } from '../file/files.service.js';
import type { SourceArchive } from './source-archive.js';

const NAME_CHARS_MAX = 255;

/** Keeps the files that messages of one conversation name; each of them once. */
export class ImportFiles {
  private readonly kept = new Map<string, Promise<Part>>();
  /** How many were kept. */
  count = 0;

  constructor(
    private readonly accountId: string,
    private readonly files: Files,
    private readonly archive: Pick<SourceArchive, 'find'>,
    private readonly tally: Tally,
  ) {}

  /** Parts with their files, or with what stands in their place. */
  async in(parts: ImportPart[] | null): Promise<Part[] | null> {
    if (parts === null) return null;
    const found: Part[] = [];
    for (const part of parts) found.push(await this.partOf(part));
    return found;
  }

  private async partOf(part: ImportPart): Promise<Part> {
    if (part instanceof SourceFile) return this.fileOf(part);
    if (part.type !== 'tool_result' || !Array.isArray(part.output)) return part;
    const output = part.output as ImportPart[];
    if (!output.some((one) => one instanceof SourceFile)) return part;
    const pieces: Part[] = [];
    for (const one of output) pieces.push(await this.partOf(one));
    return { ...part, output: pieces };
  }

  private fileOf(file: SourceFile): Promise<Part> {
    if (!('ref' in file.at)) return this.keep(file);
    const { ref } = file.at;
    const known = this.kept.get(ref) ?? this.keep(file);
    this.kept.set(ref, known);
    return known;
  }

  private async keep(file: SourceFile): Promise<Part> {
    const found = 'ref' in file.at ? this.archive.find(file.at.ref) : null;
    if ('ref' in file.at && !found) {
      this.tally.add('files_missing');
      return file.instead;
    }
    const source =
      'data' in file.at ? file.at.data : Readable.from(found!.read(), { objectMode: false });
    const name = (file.name ?? found?.name ?? 'file').slice(-NAME_CHARS_MAX).toWellFormed();
    try {
      const { file_id, media_type, bytes, sha256 } = await this.files.keep(this.accountId, source, {
        name,
        taken: true,
      });
      this.count++;
      return { type: 'file', file_id, media_type, name, bytes, sha256 };
    } catch (error) {
      const kind = refusalOf(error);
      if (kind === null) throw error;
      this.tally.add(kind);
      return file.instead;
    }
  }
}

/** Files that have no place here are left out; what is away is a matter of time. */
function refusalOf(error: unknown): string | null {
  if (!(error instanceof Problem)) return null;
  switch (error.kind) {
    case problems.bodyTooLarge.kind:
      return 'files_too_large';
    case problems.filesFull.kind:
      return 'files_without_room';
    default:
      return null;
  }
}
