import { Injectable } from '@nestjs/common';
import { invalidField } from '../../common/problems.js';
import type { IdempotentRequest } from '../../database/idempotency.js';
import type { AnswerSettings } from '../../llm/settings.js';
import { partsFault, QUESTION_BYTES_MAX } from '../../tree/part-rules.js';
import type { QuestionPart } from '../../tree/parts.js';
import type { AnswerStream } from '../answer/answer.js';
import { ClientFiles } from '../client-chat/client-files.service.js';
import { type ClientPlace, ClientPlaces } from '../client-chat/client-places.service.js';
import { ClientPosts } from '../client-chat/client-posts.service.js';
import { PairsService } from './pairs.service.js';
import { UI_FORMAT, type UiPart } from './ui-parts.js';
import type { UiTurn } from './ui-request.js';

/** What a page says, as posts to chats. */
@Injectable()
export class UiPosts {
  constructor(
    private readonly pairs: PairsService,
    private readonly places: ClientPlaces,
    private readonly posts: ClientPosts,
    private readonly files: ClientFiles,
  ) {}

  /** What is said in a turn, with its files kept. @throws 422; files_full */
  async partsOf(accountId: string, { said, results, path }: UiTurn): Promise<QuestionPart[]> {
    const parts: QuestionPart[] = [];
    for (const [at, part] of said.entries())
      parts.push(
        part.type === 'file'
          ? await this.files.part(accountId, part, `${path}.parts.${at}`)
          : partOf(part),
      );
    const fault = partsFault('question', [...results, ...parts], QUESTION_BYTES_MAX);
    if (fault)
      throw invalidField(`${path}.parts`, `${fault.path.slice(1)} ${fault.message}`.trim());
    return parts;
  }

  /** What systems say since is of the new answer alone: its question stays as it was. */
  async settingsAt(
    accountId: string,
    pair: ClientPlace,
    { settings, systems }: UiTurn,
  ): Promise<AnswerSettings> {
    const fresh = await this.places.newTo(accountId, pair, systems);
    if (fresh.length === 0) return settings;
    const { instructions } = settings;
    const all = instructions === undefined ? fresh : [instructions, ...fresh];
    return { ...settings, instructions: all.join('\n\n') };
  }

  /** Says a turn. @throws what `ClientPosts.post` throws */
  async post(
    accountId: string,
    rootChatId: string,
    turn: UiTurn & { parts: readonly QuestionPart[]; model?: string },
    key: IdempotentRequest | null,
  ): Promise<AnswerStream> {
    const { metadata, results, parts, model, settings } = turn;
    const after = turn.after && (await this.pairs.endOf(accountId, rootChatId, turn.after));
    const told = await this.places.newTo(accountId, after ?? null, turn.systems);
    const instructions = told.map(
      (text) => ({ type: 'instruction', role: 'system', text }) as const,
    );
    const said = { question_parts: [...instructions, ...results, ...parts], metadata };
    return this.posts.post({ accountId, rootChatId, after, said, key, model, settings });
  }
}

/** What is no text and no data is kept as it is. */
function partOf(part: UiPart): QuestionPart {
  const { type, text, data, id } = part;
  if (type === 'text') return { type, text: text as string };
  if (type.startsWith('data-') && type.length > 5 && id === undefined)
    return { type: 'data', name: type.slice(5), value: data ?? null };
  return { type: 'other', format: UI_FORMAT, value: part };
}
