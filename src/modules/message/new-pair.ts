import { newId } from '../../common/ids.js';
import { bodyOf, sha256Of } from '../../content/body.js';
import type { IdempotentRequest } from '../../database/idempotency.js';
import type { Exchange } from '../../llm/context-window.js';
import type { ModelRequest } from '../../llm/language-model.js';
import type { MessageType } from '../chat/message.entity.js';
import type { NewAnswer, NewPair } from './append.sql.js';

/** How one answer is asked for. Of that request alone: it is not kept, and a retry does without it. */
export interface AnswerSettings extends Pick<ModelRequest, 'maxOutputTokens' | 'temperature' | 'topP' | 'stop'> {
  /** In the place of the chat's system prompt. */
  instructions?: string;
}

/** What a person said. */
export interface Said {
  question: string;
  message_type?: MessageType;
  metadata?: Record<string, unknown> | null;
  author?: string | null;
}

/** What a pair is made of. */
export interface Draft {
  said: Said;
  /** Given with it, or none (null). Undefined: a model answers. */
  response: string | null | undefined;
  /** The model that is asked for by name; that of the chat when absent. */
  model?: string | null;
  settings?: AnswerSettings;
}

/** Pairs that were said before, and the last one. */
export const draftsOf = (earlier: readonly Exchange[] = [], last: Draft): Draft[] => [
  ...earlier.map(({ question, response }) => ({ said: { question }, response })),
  last,
];

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

/** A pair with a new id, to be appended. */
export function newPair({ said, response, model = null, settings }: Draft, spot: Spot): NewPair {
  const body = bodyOf({ question: said.question, response: response ?? null, metadata: said.metadata ?? null });
  const isAsked = response === undefined;
  return {
    accountId: spot.accountId,
    chatId: spot.chatId,
    responseId: newId(),
    version: 1,
    messageType: said.message_type ?? 'text',
    status: isAsked ? 'streaming' : 'complete',
    author: said.author ?? null,
    model: isAsked ? model : null,
    usage: null,
    error: null,
    createdAt: new Date(),
    body,
    sha256: sha256Of(body),
    branches: [],
    branchesTotal: 0,
    parent: spot.parent,
    mustBeActive: spot.mustBeActive ?? false,
    idempotent: spot.key,
    generation: isAsked ? newAnswer(spot, model, settings) : null,
  };
}

function newAnswer({ writerId, endKey }: Spot, model: string | null, settings?: AnswerSettings): NewAnswer {
  if (writerId === undefined) throw new Error('a question to a model needs somebody who writes its answer');
  return { generationId: newId(), instanceId: writerId, model, settings, idempotent: endKey };
}
