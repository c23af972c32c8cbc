import { newId } from '../../common/ids.js';
import { bodyOf, sha256Of } from '../../content/body.js';
import type { IdempotentRequest } from '../../database/idempotency.js';
import type { MessageType } from '../chat/message.entity.js';
import type { Pair } from '../chat/pair.js';
import type { AnswerSettings } from '../completion/running-generation.js';
import type { NewGeneration, NewPair } from './append.sql.js';

/** What a person said. */
export interface Said {
  question: string;
  message_type?: MessageType;
  metadata?: Record<string, unknown> | null;
  author?: string | null;
}

interface Making {
  accountId: string;
  chatId: string;
  said: Said;
  /** What is stored with it: a given response, or null. */
  response: string | null;
  /** Where it goes; behind whatever is the last pair when absent. */
  place?: Pick<NewPair, 'parent' | 'mustBeActive'>;
  idempotent: IdempotentRequest | null;
}

interface Asking extends Omit<Making, 'response'> {
  /** The process that is to write the answer. */
  instanceId: string;
  /** The model that is asked for by name; null for that of the chat. */
  model?: string | null;
  settings?: AnswerSettings;
}

/** A question whose answer is to be written by a model. */
export function newQuestion({ instanceId, model = null, settings, ...making }: Asking): NewPair & { generation: NewGeneration } {
  const generation = { generationId: newId(), instanceId, model, settings, idempotent: making.idempotent };
  return { ...newPair({ ...making, response: null }), status: 'streaming', model, generation };
}

/** A pair with its response. */
export function newPair({ accountId, chatId, said, response, place, idempotent }: Making): NewPair {
  const body = bodyOf({ question: said.question, response, metadata: said.metadata ?? null });
  return {
    accountId,
    chatId,
    responseId: newId(),
    version: 1,
    messageType: said.message_type ?? 'text',
    status: 'complete',
    author: said.author ?? null,
    model: null,
    usage: null,
    error: null,
    createdAt: new Date(),
    body,
    sha256: sha256Of(body),
    branches: [],
    branchesTotal: 0,
    parent: place?.parent,
    mustBeActive: place?.mustBeActive ?? false,
    idempotent,
    generation: null,
  };
}

/** The question of a pair that has no answer, for another try by the same model. */
export function questionAgain(
  accountId: string,
  pair: Pair,
  { instanceId, idempotent }: Pick<Asking, 'instanceId' | 'idempotent'>,
): NewPair & { generation: NewGeneration } {
  const model = pair.error?.code === 'model_unknown' ? null : pair.model;
  return {
    ...pair,
    accountId,
    status: 'streaming',
    usage: null,
    error: null,
    sha256: sha256Of(pair.body),
    parent: undefined,
    mustBeActive: false,
    idempotent: null,
    generation: { generationId: newId(), instanceId, model, idempotent },
  };
}
