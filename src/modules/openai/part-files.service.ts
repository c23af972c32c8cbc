import { Injectable } from '@nestjs/common';
import { invalidField, Problem, problems } from '../../common/problems.js';
import type { FilePart, Part } from '../../tree/parts.js';
import { isDataUrl } from '../file/data-url.js';
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
        question: await this.side(accountId, turn.question, field),
        response: await this.side(accountId, turn.response, field),
      });
    return made;
  }

  private async side<Some extends Part>(
    accountId: string,
    parts: readonly Some[],
    field: string,
  ): Promise<Some[]> {
    const made: Some[] = [];
    for (const part of parts) made.push(await this.part(accountId, part, field));
    return made;
  }

  private async part<Some extends Part>(
    accountId: string,
    part: Some,
    field: string,
  ): Promise<Some> {
    if (part.type === 'file') return (await this.file(accountId, part, field)) as Some;
    if (part.type !== 'tool_result' || !Array.isArray(part.output)) return part;
    return { ...part, output: await this.side(accountId, part.output as Part[], field) };
  }

  private async file(accountId: string, part: FilePart, field: string): Promise<FilePart> {
    const { url, file_id: named, ...rest } = part;
    if (url !== undefined && !isDataUrl(url)) return part;
    const found =
      url === undefined
        ? await this.named(accountId, named!, field)
        : await this.files.keepDataUrl(accountId, url, { name: part.name ?? null, path: field });
    const { file_id, media_type, bytes, sha256, name } = found;
    return { ...rest, file_id, media_type, bytes, sha256, ...(name !== null && { name }) };
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
