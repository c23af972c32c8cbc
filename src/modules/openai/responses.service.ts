import { Injectable } from '@nestjs/common';
import { invalidField } from '../../common/problems.js';
import type { IdempotentRequest } from '../../database/idempotency.js';
import { LanguageModel } from '../../llm/language-model.js';
import type { AnswerEvent, AnswerStream } from '../completion/answer-event.js';
import type { QaPairDto } from '../chat/pair.dto.js';
import type { AnswerSettings } from '../completion/running-generation.js';
import { type Post, MessageService } from '../message/message.service.js';
import { type Beginning, OpeningService } from '../message/opening.service.js';
import { itemsOf, toldIn } from './input-items.js';
import { modelProblem } from './model-problem.js';
import { keptEvents, stateOf } from './response-events.js';
import { responseOf } from './response-wire.js';
import { ResponseReader } from './response.reader.js';
import { type CreateResponseDto, PROMPT_BYTES_MAX, type ResponseDto } from './response.dto.js';
import { ResponseTargets, type Target } from './response-targets.service.js';

/** What becomes of a request: a post to a chat, or a new chat. */
type Asked = { post: Post } | { beginning: Beginning };

/** Responses that are kept: each is a pair of a chat. */
@Injectable()
export class ResponsesService {
  constructor(
    private readonly targets: ResponseTargets,
    private readonly messages: MessageService,
    private readonly openings: OpeningService,
    private readonly reader: ResponseReader,
    private readonly model: LanguageModel,
  ) {}

  /**
   * Comes back when the answer is there, or failed: the question is kept then too, so a failure has no status of its own.
   * @throws 422 for what the input is; model_not_found, chat_not_found, message_not_found, and what `MessageService.post` throws
   */
  async create(accountId: string, body: CreateResponseDto, idempotent: IdempotentRequest | null): Promise<ResponseDto> {
    const asked = await this.prepare(accountId, body, idempotent);
    const { json } = 'post' in asked ? await this.messages.post(asked.post) : await this.openings.open(asked.beginning);
    // As it was answered to the key, if there is one.
    const pair = JSON.parse(json) as QaPairDto;
    const { head } = await this.reader.find(accountId, pair.response_id, body);
    return responseOf({ ...head, instructions: body.instructions || head.instructions }, stateOf(pair));
  }

  /** The same as it happens. @throws like `create` */
  async createStreamed(accountId: string, body: CreateResponseDto, idempotent: IdempotentRequest | null): Promise<AsyncIterable<string>> {
    const asked = await this.prepare(accountId, body, idempotent);
    const answer = 'post' in asked ? await this.messages.postStreamed(asked.post) : await this.openings.openStreamed(asked.beginning);
    const [first, rest] = await opened(answer);
    const { head } = await this.reader.find(accountId, first.responseId, body);
    return keptEvents({ ...head, instructions: body.instructions || head.instructions }, rest);
  }

  /** Everything that may be refused is looked at before anything is stored. */
  private async prepare(accountId: string, body: CreateResponseDto, idempotent: IdempotentRequest | null): Promise<Asked> {
    const target = await this.targets.of(accountId, body);
    const model = this.modelOf(body.model);
    const told = toldIn(itemsOf(body.input));
    if (typeof told === 'string') throw invalidField('input', told);
    const last = told.pairs.at(-1);
    if (!last || last.response !== null) throw invalidField('input', 'must end with a message of the user: that is what is answered');
    const instructions = [body.instructions, told.instructions].filter(Boolean).join('\n\n');
    if (Buffer.byteLength(instructions) > PROMPT_BYTES_MAX) throw tooLong(body);
    const asked = { accountId, idempotent, earlier: told.pairs.slice(0, -1), model, settings: settingsOf(body) };
    const said = { question: last.question, metadata: notesToKeep(body) };
    if (!target) return { beginning: { ...asked, said, chat: { model: body.model ?? null, system_prompt: instructions || null } } };
    return { post: postTo(target, { ...asked, settings: { ...asked.settings, ...(instructions && { instructions }) } }, said) };
  }

  private modelOf(name: string | null | undefined): string | null {
    try {
      return name == null ? null : this.model.find(name).id;
    } catch (error) {
      throw modelProblem(error);
    }
  }
}

function postTo({ chatId, toActive, parent }: Target, asked: Omit<Post, 'chatId' | 'toActive' | 'body'>, said: Post['body']): Post {
  const place = parent === undefined ? {} : { parent_response_id: parent, on_conflict: 'fork' as const };
  return { ...asked, chatId, toActive, body: { ...said, ...place } };
}

/** How the answer is asked for. */
export const settingsOf = ({ max_output_tokens, temperature, top_p }: CreateResponseDto): AnswerSettings => ({
  ...(max_output_tokens != null && { maxOutputTokens: max_output_tokens }),
  ...(temperature != null && { temperature }),
  ...(top_p != null && { topP: top_p }),
});

/** The branch is where it is said, and no note. */
function notesToKeep({ metadata }: CreateResponseDto): Record<string, string> | null {
  const { branch_id: _branch, ...notes } = metadata ?? {};
  return Object.keys(notes).length > 0 ? notes : null;
}

const tooLong = ({ instructions }: CreateResponseDto): Error =>
  invalidField(
    instructions ? 'instructions' : 'input',
    `: what the model is told to be must have at most ${PROMPT_BYTES_MAX} bytes of UTF-8`,
  );

/** The first event of an answer, which says whose it is, and those behind it. */
async function opened(answer: AnswerStream): Promise<[{ responseId: string }, AnswerStream]> {
  const iterator = answer[Symbol.asyncIterator]();
  const first = (await iterator.next()) as IteratorResult<AnswerEvent, undefined>;
  if (first.value?.type !== 'accepted') throw new Error('an answer begins without its ids');
  return [first.value, { [Symbol.asyncIterator]: () => iterator }];
}
