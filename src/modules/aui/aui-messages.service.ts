import { Injectable } from '@nestjs/common';
import { problems } from '../../common/problems.js';
import { bodyOf, wordsOf } from '../../content/body.js';
import type { IdempotentRequest } from '../../database/idempotency.js';
import { type Part, partsOfSide, type QuestionPart, sideOf } from '../../tree/parts.js';
import type { AnswerStream } from '../answer/answer.js';
import { PairCompletion } from '../completion/pair-completion.service.js';
import type { Pair } from '../chat/pair.js';
import { PathService } from '../chat/path.service.js';
import { type ClientPlace, ClientPlaces } from '../client-chat/client-places.service.js';
import { RedactionService } from '../redaction/redaction.service.js';
import { ClientPosts } from '../client-chat/client-posts.service.js';
import type { CreateAuiMessageDto } from './aui.dto.js';
import { type Given, idsIn, idsPart, messageIn, partsOf, roleOf } from './aui-content.js';
import { type MessageRef, messageRef, questionId } from './aui-fields.js';

/** Where a message is added, and by which request. */
interface Addition {
  accountId: string;
  rootChatId: string;
  key: IdempotentRequest | null;
}

/** Messages that a client keeps here, as the sides of pairs: nobody is asked for an answer. */
@Injectable()
export class AuiMessages {
  constructor(
    private readonly paths: PathService,
    private readonly places: ClientPlaces,
    private readonly posts: ClientPosts,
    private readonly completion: PairCompletion,
    private readonly redaction: RedactionService,
  ) {}

  /**
   * Keeps a message behind its parent; its id. What an assistant says is the answer to the question
   * that it follows, or a second one beside that.
   * @throws 422; message_not_found, and what `PostService.post` throws
   */
  async add(addition: Addition, body: CreateAuiMessageDto): Promise<string> {
    const { parent_id: parentId = null, format, content, external_id: externalId } = body;
    const given = { format, content, ids: externalId ? { external_id: externalId } : {} };
    const role = roleOf(content);
    const parts = partsOf(role === 'assistant' ? 'response' : 'question', given);
    const parent = parentId === null ? null : messageRef(parentId);
    const place = parent && (await this.placeOf(addition, parent.responseId));
    if (role !== 'assistant')
      return questionId(
        await this.post(addition, place, { question_parts: parts as QuestionPart[] }),
      );
    if (parent?.isQuestion) return this.answer(addition, place!, given);
    return this.post(addition, place, { question: null, response_parts: parts });
  }

  /** @throws message_not_found for a message of elsewhere */
  async hold(accountId: string, rootChatId: string, id: string): Promise<void> {
    await this.places.placeOf(accountId, rootChatId, messageRef(id).responseId);
  }

  /**
   * Erases messages. One of which the other side of its pair is to stay is taken out of that.
   * @throws message_not_found; branch_head_moved where only one side of a pair goes that a branch
   * has
   */
  async remove(addition: Addition, ids: readonly string[]): Promise<void> {
    const refs: MessageRef[] = [];
    for (const id of ids) refs.push(messageRef(id), ...(await this.sharing(addition, id)));
    for (const responseId of new Set(refs.map((ref) => ref.responseId))) {
      const { chatId } = await this.placeOf(addition, responseId);
      const pair = await this.paths.pair(addition.accountId, chatId, responseId);
      const words = wordsOf(pair.body);
      const goes = (isQuestion: boolean): boolean =>
        refs.some((ref) => ref.responseId === responseId && ref.isQuestion === isQuestion);
      const asked = words.question !== null || !!words.question_parts;
      const answered = words.response !== null || !!words.response_parts;
      if ((!asked || goes(true)) && (!answered || goes(false)))
        await this.redaction.redact(addition.accountId, chatId, responseId);
      else if (goes(true))
        await this.rewrite(addition, pair, { ...words, question: null, question_parts: null });
      else await this.rewrite(addition, pair, { ...words, response: null, response_parts: null });
    }
  }

  /** The further pairs that have a question. */
  private async sharing(addition: Addition, id: string): Promise<MessageRef[]> {
    const { responseId, isQuestion } = messageRef(id);
    if (!isQuestion) return [];
    const { accountId } = addition;
    const { chatId } = await this.placeOf(addition, responseId);
    const { siblings } = await this.paths.pairInTree(accountId, chatId, responseId);
    const found: MessageRef[] = [];
    for (const { chat_id, response_id } of siblings) {
      const { body } = await this.paths.pair(accountId, chat_id, response_id);
      const { question, question_parts: parts = null } = wordsOf(body);
      if (idsIn(partsOfSide({ text: question, parts })).question === id)
        found.push({ responseId: response_id, isQuestion: true });
    }
    return found;
  }

  /**
   * Says a message anew, in its place, as one that grows may be followed before it is whole.
   * @throws 422; message_not_found; branch_head_moved where a branch has it
   */
  async update(
    { accountId, rootChatId, key }: Addition,
    id: string,
    content: Record<string, unknown>,
  ): Promise<void> {
    const { responseId, isQuestion } = messageRef(id);
    const place = await this.placeOf({ accountId, rootChatId, key }, responseId);
    const pair = await this.paths.pair(accountId, place.chatId, responseId);
    const words = wordsOf(pair.body);
    const { question, question_parts = null, response, response_parts = null } = words;
    const before: readonly Part[] = isQuestion
      ? partsOfSide({ text: question, parts: question_parts })
      : partsOfSide({ text: response, parts: response_parts });
    if (before.length === 0) throw problems.messageNotFound();
    const { format } = messageIn('user', before, 'aui/v0');
    const given = { format, content, ids: idsIn(before) };
    const { text, parts } = sideOf(partsOf(isQuestion ? 'question' : 'response', given));
    await this.rewrite(
      { accountId, rootChatId, key },
      pair,
      isQuestion
        ? { ...words, question: text, question_parts: parts as QuestionPart[] }
        : { ...words, response: text, response_parts: parts },
    );
  }

  private async rewrite(
    { accountId, key }: Addition,
    pair: Pair,
    words: ReturnType<typeof wordsOf>,
  ): Promise<void> {
    const body = bodyOf(words);
    if (!(await this.completion.rewrite(accountId, pair, { body, isLast: false }, key)))
      throw problems.branchHeadMoved({
        detail: 'A message that a branch has, or that is being answered, does not change.',
      });
  }

  private placeOf({ accountId, rootChatId }: Addition, responseId: string): Promise<ClientPlace> {
    return this.places.placeOf(accountId, rootChatId, responseId);
  }

  /** Completes a pair; where that has an answer, or a branch, beside it. */
  private async answer(addition: Addition, place: ClientPlace, given: Given): Promise<string> {
    const { accountId, key } = addition;
    const pair = await this.paths.pair(accountId, place.chatId, place.responseId);
    const parts = partsOf('response', given);
    const words = wordsOf(pair.body);
    const isOpen = words.response === null && !words.response_parts;
    if (isOpen && pair.status !== 'streaming') {
      const { text, parts: kept } = sideOf(parts);
      const body = bodyOf({ ...words, response: text, response_parts: kept });
      if (await this.completion.rewrite(accountId, pair, { body, isLast: true }, key))
        return pair.responseId;
    }
    const before = await this.paths.page(accountId, place.chatId, 1, { before: pair.seq });
    const [last] = before.pairs;
    const behind = last && { chatId: place.chatId, responseId: last.responseId, seq: last.seq };
    const said = { question_parts: againOf(pair), response_parts: parts };
    return this.post(addition, behind ?? null, said);
  }

  /** The `response_id` of the pair that is made. */
  private async post(
    { accountId, rootChatId, key }: Addition,
    after: ClientPlace | null,
    said: Parameters<ClientPosts['post']>[0]['said'],
  ): Promise<string> {
    const response = said.response_parts ? undefined : null;
    const post = { accountId, rootChatId, key, after, said: { ...said, response } };
    return responseIdOf(await this.posts.post(post));
  }
}

/** The same question in a further pair, which says whose it is. */
function againOf({ body, responseId }: Pair): QuestionPart[] {
  const { question, question_parts: parts = null } = wordsOf(body);
  const asked = partsOfSide({ text: question, parts });
  const ids = { ...idsIn(asked), question: idsIn(asked).question ?? questionId(responseId) };
  const others = asked.filter(
    (part) => !(part.type === 'data' && part.name === idsPart(ids)!.name),
  );
  return [...others, idsPart(ids)!];
}

async function responseIdOf(events: AnswerStream): Promise<string> {
  for await (const event of events)
    if (event.type === 'completed' || event.type === 'failed')
      return (JSON.parse(event.json) as { response_id: string }).response_id;
  throw new Error('a stored pair has no end');
}
