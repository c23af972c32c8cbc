import { Injectable } from '@nestjs/common';
import { invalidField, Problem, problems } from '../../common/problems.js';
import type { FilePart, Part } from '../../tree/parts.js';
import { isDataUrl } from '../file/data-url.js';
import type { FileRow } from '../file/file.sql.js';
import { Files } from '../file/files.service.js';
import { fileIn } from './openai-ids.js';
import type { Turn } from './turns.js';

/** The files that requests bring along or name. */
@Injectable()
export class PartFiles {
  constructor(private readonly files: Files) {}

  /**
   * The same turns, with the bytes in them kept as files of the account.
   * @param field where they came in @throws 422 that names the field; files_full
   */
  async keep(accountId: string, turns: readonly Turn[], field: string): Promise<Turn[]> {
    const made: Turn[] = [];
    for (const turn of turns)
      made.push({
        ...turn,
        question: await this.side(turn.question, (part) => this.kept(accountId, part, field)),
        response: await this.side(turn.response, (part) => this.kept(accountId, part, field)),
      });
    return made;
  }

  /**
   * The same turns, with what is known of the files that they name; nothing is kept. @throws 422
   * that names the field
   */
  async find(accountId: string, turns: readonly Turn[], field: string): Promise<Turn[]> {
    const made: Turn[] = [];
    for (const turn of turns)
      made.push({
        ...turn,
        question: await this.side(turn.question, (part) => this.known(accountId, part, field)),
      });
    return made;
  }

  /** @param file makes of each file what stands in its place */
  private async side<Some extends Part>(
    parts: readonly Some[],
    file: (part: FilePart) => Promise<FilePart>,
  ): Promise<Some[]> {
    const made: Some[] = [];
    for (const part of parts) made.push(await this.part(part, file));
    return made;
  }

  private async part<Some extends Part>(
    part: Some,
    file: (part: FilePart) => Promise<FilePart>,
  ): Promise<Some> {
    if (part.type === 'file') return (await file(part)) as Some;
    if (part.type !== 'tool_result' || !Array.isArray(part.output)) return part;
    return { ...part, output: await this.side(part.output as Part[], file) };
  }

  private async kept(accountId: string, part: FilePart, field: string): Promise<FilePart> {
    const { url, name = null } = part;
    if (url === undefined || !isDataUrl(url)) return this.known(accountId, part, field);
    return completed(part, await this.files.keepDataUrl(accountId, url, { name, path: field }));
  }

  private async known(accountId: string, part: FilePart, field: string): Promise<FilePart> {
    if (part.file_id === undefined) return part;
    return completed(part, await this.named(accountId, part.file_id, field));
  }

  private async named(accountId: string, name: string, field: string) {
    const fileId = fileIn(name);
    const nobodys = () =>
      invalidField(field, `names the file ${name.slice(0, 100)}, which is not there`);
    if (fileId === null) throw nobodys();
    return this.files.find(accountId, fileId).catch((error: unknown) => {
      const isUnknown = error instanceof Problem && error.kind === problems.fileNotFound.kind;
      throw isUnknown ? nobodys() : error;
    });
  }
}

function completed({ url: _url, ...part }: FilePart, found: FileRow): FilePart {
  const { file_id, media_type, bytes, sha256, name } = found;
  return { ...part, file_id, media_type, bytes, sha256, ...(name !== null && { name }) };
}
