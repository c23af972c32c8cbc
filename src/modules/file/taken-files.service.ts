import { Injectable } from '@nestjs/common';
import { handDown } from '../../common/exact-json.js';
import type { FilePart, Part, QuestionPart, ResponsePart } from '../../tree/parts.js';
import { Files } from './files.service.js';

/** Takes what a client sends within a request out of it, and keeps it as files. */
@Injectable()
export class TakenFiles {
  constructor(private readonly files: Files) {}

  /**
   * The same with files in the place of `data:` URLs. @throws 422 that names the part; files_full,
   * body_too_large
   */
  async of<Said extends Sides & { pairs?: Sides[] }>(accountId: string, said: Said): Promise<Said> {
    const pairs: Sides[] = [];
    for (const [n, pair] of (said.pairs ?? []).entries())
      pairs.push(await this.ofPair(accountId, pair, `pairs.${n}.`));
    return said.pairs ? { ...said, pairs } : this.ofPair(accountId, said, '');
  }

  private async ofPair<Said extends Sides>(
    accountId: string,
    said: Said,
    path: string,
  ): Promise<Said> {
    if (!hasInlineFiles(said)) return said;
    return {
      ...said,
      question_parts: await this.ofSide(accountId, said.question_parts, `${path}question_parts`),
      response_parts: await this.ofSide(accountId, said.response_parts, `${path}response_parts`),
    };
  }

  private async ofSide<Of extends Part>(
    accountId: string,
    parts: readonly Of[] | null | undefined,
    path: string,
  ): Promise<readonly Of[] | null | undefined> {
    if (!parts || !hasInline(parts)) return parts;
    // The other parts keep the digits of their numbers.
    handDown(parts);
    const kept: Of[] = [];
    for (const [n, part] of parts.entries())
      kept.push(isInline(part) ? await this.keep(accountId, part, `${path}.${n}.url`) : part);
    return kept;
  }

  private async keep<Of extends Part>(
    accountId: string,
    part: Of & InlineFile,
    path: string,
  ): Promise<Of> {
    const { url, ...rest } = part;
    const { file_id, media_type, bytes, sha256 } = await this.files.keepDataUrl(accountId, url, {
      name: part.name,
      says: part,
      path,
    });
    return { ...(rest as unknown as Of), file_id, media_type, bytes, sha256 };
  }
}

/** A file that is in the request itself. */
type InlineFile = FilePart & { url: string };

interface Sides {
  question_parts?: readonly QuestionPart[] | null;
  response_parts?: readonly ResponsePart[] | null;
}

/** Whether there is something to be taken. */
export const hasInlineFiles = ({ pairs, ...said }: Sides & { pairs?: Sides[] }): boolean =>
  [said, ...(pairs ?? [])].some(
    ({ question_parts: asked, response_parts: told }) => hasInline(asked) || hasInline(told),
  );

const hasInline = (parts: readonly Part[] | null | undefined): boolean =>
  parts?.some((part) => isInline(part)) ?? false;

const isInline = <Of extends Part>(part: Of): part is Of & InlineFile =>
  part.type === 'file' && (part.url?.startsWith('data:') ?? false);
