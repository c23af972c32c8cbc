import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { newId } from '../../common/ids.js';
import { invalidField, problems } from '../../common/problems.js';
import { bodyOf, sha256Of } from '../../content/body.js';
import type { Words } from '../../content/content-store.js';
import { type ContentState, Journal } from '../../content/journal.js';
import type { IdempotentRequest, WriteResult, Outcome } from '../../database/idempotency.js';
import { tellChanged } from '../../events/changes.js';
import type { AnswerSettings } from '../../llm/settings.js';
import { callIdsOf, type QuestionPart, type ResponsePart, sideOf } from '../../tree/parts.js';
import type { NewChat } from '../chat/chat.service.js';
import type { ChatView } from '../chat/chat.view.js';
import type { MessageType } from '../chat/message.entity.js';
import { type Pair, pairJsonAt, pairWrite } from '../chat/pair.js';
import { TreeChanges } from '../chat/tree-changes.service.js';
import { completeFiles, fileIdsIn, holdFiles } from '../file/file-references.js';
import { AppendLanes } from './append.lanes.js';
import { Places } from './places.service.js';
import { appendOf, type AppendRow, type NewAnswer, type NewPair } from './append.sql.js';

/** What a person said. */
export interface Utterance {
  /** Its text; what `question_parts` say where they are given. */
  question?: string | null;
  question_parts?: readonly QuestionPart[] | null;
  message_type?: MessageType;
  metadata?: Record<string, unknown> | null;
  author?: string | null;
}

/** What was said of a pair beside its words, to be said again. */
export const saidBeside = ({
  messageType,
  author,
}: Pick<Pair, 'messageType' | 'author'>): Pick<Utterance, 'message_type' | 'author'> => ({
  message_type: messageType,
  author,
});

/** What a pair is made of. */
export interface Draft {
  said: Utterance;
  /** Given with it, or none (null). Undefined: a model answers, unless there are parts. */
  response: string | null | undefined;
  response_parts?: readonly ResponsePart[] | null;
  /** The model that is asked, that of the chat when absent; or that gave the response. */
  model?: string | null;
  settings?: AnswerSettings;
}

/** A chat as it is, if it is as it is said to be. */
export interface ChatTarget {
  chatId: string;
  /** Its last pair (null: it must be empty); undefined = whatever is the last one. */
  parent?: string | null;
  /** Whether it must be the active branch. */
  mustBeActive?: boolean;
}

/** A new branch behind a pair that the chat can see; null = before the first pair. */
export interface ForkTarget {
  chatId: string;
  behind: string | null;
  activate?: boolean;
  /**
   * A branch of its own for each pair: then they stand side by side, and the answer of the key is
   * not the end of one of them.
   */
  each?: boolean;
}

/** A conversation that begins. */
export interface NewTarget {
  chat: NewChat;
}

/** Pairs on their way into a chat, one behind the other: all of them or nothing. */
export interface Append {
  accountId: string;
  drafts: readonly Draft[];
  to: ChatTarget | ForkTarget | NewTarget;
  key: IdempotentRequest | null;
  /** The process that is to write the answers of models; needed where a draft has no response. */
  writerId?: string;
  /**
   * Makes the answer that is kept for the key; the JSON of the last pair where absent. In the
   * transaction, so that what belongs to a new chat is made here too. It may run twice, and keeps
   * nothing but what it returns.
   */
  answerOf?: AnswerOf;
}
type AnswerOf = (
  tx: EntityManager,
  entries: readonly Entry[],
  chat: ChatView | null,
) => Promise<object | string> | object | string;

/** A pair that is in PostgreSQL now. */
export interface Entry {
  pair: NewPair;
  row: AppendRow;
  /** As clients know it: a `QaPairDto`. */
  json: string;
  /** Where its words are; null for a question to a model, whose words go with the answer. */
  contentState: ContentState | null;
}

/** Where a pair goes, and under which key. */
export interface Spot {
  accountId: string;
  chatId: string;
  /** See `NewPair.parent`. */
  parent?: string | null;
  mustBeActive?: boolean;
  /** That the append itself claims; null where its transaction has done so, or there is none. */
  key: IdempotentRequest | null;
  /** The key whose answer is the pair at the end of the model's answer. */
  endKey: IdempotentRequest | null;
  /** The process that is to write the model's answer. */
  writerId?: string;
}

/** Thrown to take back what a transaction did. */
class Refusal extends Error {}

/**
 * The one way in: puts pairs into PostgreSQL, and from there into the content store. Once it is in
 * PostgreSQL, a pair exists whatever happens next.
 */
@Injectable()
export class AppendService {
  constructor(
    private readonly lanes: AppendLanes,
    private readonly journal: Journal,
    private readonly trees: TreeChanges,
    private readonly places: Places,
  ) {}

  /**
   * Refuses while MongoDB is so far behind that no more may be promised. @throws store_unavailable
   */
  assertRoom(): void {
    this.journal.assertRoom();
  }

  /**
   * What the run that counts has made, with its answer; the answer of the key alone, where it was
   * used before. Null when the chat refused: it is gone, its head is another one, it is not active,
   * or its answer is still being written.
   * @throws store_unavailable, idempotency_key_reused, idempotency_key_in_use; 422 for the result
   * of a call that nobody made; for a fork chat_not_found, message_not_found
   */
  async commit(append: Append): Promise<Outcome<Entry[]> | null> {
    this.assertRoom();
    const stray = await this.places.strayResult(append);
    if (stray?.busy) return null;
    if (stray) throw invalidField(stray.path, 'is of no call that was made before on this path');
    const outcome = await this.write(append);
    if (!outcome?.made) return outcome;
    return {
      json: outcome.json,
      made: await Promise.all(outcome.made.map((entry) => this.deliver(entry))),
    };
  }

  private write(append: Append): Promise<Outcome<Entry[]> | null> {
    const { to } = append;
    if ('chat' in to) return this.toNew(append, to);
    if ('behind' in to) return this.toFork(append, to);
    const [only, ...others] = append.drafts;
    const isPlain = others.length === 0 && fileIdsIn(...sidesOf(only!)).length === 0;
    return isPlain && !append.answerOf ? this.alone(append, to) : this.inOneStep(append, to);
  }

  /** The hot path: one statement. */
  private async alone(
    { accountId, drafts, key, writerId }: Append,
    to: ChatTarget,
  ): Promise<Outcome<Entry[]> | null> {
    const { chatId, parent, mustBeActive } = to;
    const pair = newPair(drafts[0]!, {
      accountId,
      chatId,
      parent,
      mustBeActive,
      key,
      endKey: key,
      writerId,
    });
    const outcome = await this.lanes.append(pair);
    if (!outcome) return null;
    const { json, made: row } = outcome;
    return { json, made: row && [{ pair, row, json, contentState: null }] };
  }

  private async inOneStep(
    append: Append,
    { chatId, ...place }: ChatTarget,
  ): Promise<Outcome<Entry[]> | null> {
    try {
      return await this.trees.make(append.accountId, chatId, append.key, (tx) =>
        this.appendAll(tx, append, chatId, { place }),
      );
    } catch (error) {
      if (error instanceof Refusal) return null;
      throw error;
    }
  }

  private toFork(append: Append, target: ForkTarget): Promise<Outcome<Entry[]>> {
    const { accountId, key, drafts } = append;
    const fork = (tx: EntityManager) => this.places.fork(tx, accountId, target);
    return this.trees.make(accountId, target.chatId, key, async (tx) => {
      if (!target.each) return this.appendAll(tx, append, (await fork(tx)).chat_id);
      const made: Entry[] = [];
      for (const draft of drafts)
        made.push(
          await this.appendIn(tx, append, await withFiles(tx, accountId, draft), {
            chatId: (await fork(tx)).chat_id,
            endKey: null,
          }),
        );
      return answered(tx, append, made);
    });
  }

  private toNew(append: Append, { chat }: NewTarget): Promise<Outcome<Entry[]>> {
    return this.trees.makeNew(append.accountId, append.key, async (tx) => {
      const created = await this.places.begin(tx, append.accountId, chat);
      return this.appendAll(tx, append, created.chat_id, { chat: created });
    });
  }

  /** The place that is asked for is that of the first, and the key that of the last. */
  private async appendAll(
    tx: EntityManager,
    append: Append,
    chatId: string,
    { place, chat }: { place?: Omit<ChatTarget, 'chatId'>; chat?: ChatView } = {},
  ): Promise<WriteResult<Entry[]>> {
    const made: Entry[] = [];
    for (const [at, draft] of append.drafts.entries()) {
      const endKey = at === append.drafts.length - 1 ? append.key : null;
      const path = append.drafts.length === 1 ? '' : `pairs.${at}.`;
      const complete = await withFiles(tx, append.accountId, draft, path);
      const spot = { chatId, endKey, ...(at === 0 && place) };
      made.push(await this.appendIn(tx, append, complete, spot));
    }
    return answered(tx, append, made, chat);
  }

  /** The key is the transaction's. */
  private async appendIn(
    tx: EntityManager,
    { accountId, writerId }: Append,
    draft: Draft,
    spot: Omit<Spot, 'accountId' | 'key' | 'writerId'>,
  ): Promise<Entry> {
    const pair = newPair(draft, { ...spot, accountId, writerId, key: null });
    const [{ text }, values] = appendOf(this.lanes.statements, pair);
    const [row] = await tx.query<AppendRow[]>(text, values as unknown[]);
    if (!row) throw new Refusal();
    if (!(await holdFiles(tx, accountId, pair.responseId, ...sidesOf(draft))))
      throw problems.validation({ detail: 'A file that is named was deleted meanwhile.' });
    tellChanged(tx, accountId, row.root_chat_id);
    return { pair, row, json: pairJsonAt(pair, row.seq), contentState: null };
  }

  /**
   * Takes the words of a committed pair to the content store. Never throws for the store's sake.
   */
  private async deliver(entry: Entry): Promise<Entry> {
    const { pair, row, json } = entry;
    if (pair.generation) return entry;
    const { root_chat_id: rootChatId, fork_seq: forkSeq, seq } = row;
    const place = { accountId: pair.accountId, rootChatId, forkSeq, seq, sha256: pair.sha256 };
    return { pair, row, json, contentState: await this.journal.deliver(pairWrite(pair, place)) };
  }
}

async function answered(
  tx: EntityManager,
  { answerOf }: Append,
  made: Entry[],
  chat: ChatView | null = null,
): Promise<WriteResult<Entry[]>> {
  return { made, answer: answerOf ? await answerOf(tx, made, chat) : made.at(-1)!.json };
}

/** A pair that is there as a whole. */
export type WholePair = Omit<Words, 'metadata' | 'settings'> & Partial<Pick<Words, 'metadata'>>;

/** What was said, with the response or the settings for one, as a draft. */
export const draftOf = ({
  response,
  response_parts,
  model,
  settings,
  ...said
}: SaidPair): Draft => ({
  said,
  response,
  response_parts,
  ...(model && { model }),
  ...(settings && { settings }),
});

/** A pair as clients say it. */
export interface SaidPair extends Utterance {
  response?: string | null;
  response_parts?: readonly ResponsePart[] | null;
  model?: string | null;
  settings?: AnswerSettings | null;
}

/** Pairs that were said before, and the last one. */
export const draftsOf = (earlier: readonly WholePair[] = [], last: Draft): Draft[] => [
  ...earlier.map(({ response, response_parts, ...said }) => ({ said, response, response_parts })),
  last,
];

/** What is said in a draft; a side whose parts are given is what they make. */
function wordsIn({ said, response, response_parts, settings = {} }: Draft): Words {
  const { question, question_parts, metadata } = said;
  const asked = question_parts ? sideOf(question_parts) : { text: question ?? null, parts: null };
  const told = response_parts ? sideOf(response_parts) : { text: response ?? null, parts: null };
  return {
    question: asked.text,
    response: told.text,
    metadata: metadata ?? null,
    question_parts: asked.parts,
    response_parts: told.parts,
    settings: Object.keys(settings).length > 0 ? settings : null,
  };
}

const sidesOf = ({ said, response_parts }: Draft) => [said.question_parts, response_parts] as const;

/** The draft with what is known of the files that its parts name. @throws 422 for unknown ones */
async function withFiles(
  tx: EntityManager,
  accountId: string,
  draft: Draft,
  path = '',
): Promise<Draft> {
  const [asked, told] = sidesOf(draft);
  if (fileIdsIn(asked, told).length === 0) return draft;
  return {
    ...draft,
    said: {
      ...draft.said,
      question_parts: await completeFiles(tx, accountId, asked, `${path}question_parts`),
    },
    response_parts: await completeFiles(tx, accountId, told, `${path}response_parts`),
  };
}

/** Whether a model is to answer it. */
export const isAsked = ({ response, response_parts }: Draft): boolean =>
  response === undefined && !response_parts;

/** A pair with a new id, to be appended. */
export function newPair(draft: Draft, spot: Spot): NewPair {
  const { said, model = null, settings } = draft;
  const body = bodyOf(wordsIn(draft));
  const asked = isAsked(draft);
  return {
    accountId: spot.accountId,
    chatId: spot.chatId,
    responseId: newId(),
    version: 1,
    messageType: said.message_type ?? 'text',
    status: asked ? 'streaming' : 'complete',
    author: said.author ?? null,
    model,
    usage: null,
    error: null,
    createdAt: new Date(),
    body,
    sha256: sha256Of(body),
    callIds: callIdsOf(draft.response_parts),
    branches: [],
    branchesTotal: 0,
    parent: spot.parent,
    mustBeActive: spot.mustBeActive ?? false,
    idempotent: spot.key,
    generation: asked ? newAnswer(spot, model, settings) : null,
  };
}

function newAnswer(
  { writerId, endKey }: Spot,
  model: string | null,
  settings?: AnswerSettings,
): NewAnswer {
  if (writerId === undefined)
    throw new Error('a question to a model needs somebody who writes its answer');
  return { generationId: newId(), instanceId: writerId, model, settings, idempotent: endKey };
}
