import { newId } from '../../common/ids.js';
import { bodyOf, sha256Of } from '../../content/body.js';
import type { IdempotentRequest } from '../../database/idempotency.js';
import type { MessageType } from '../chat/message.entity.js';
import type { Completion } from '../completion/completion.service.js';
import type { NewPair } from './append.sql.js';

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
  /** The response: of the model with all that belongs to it, or just one that was given. */
  completion: Partial<Completion>;
  idempotent: IdempotentRequest | null;
}

/** A pair that goes behind whatever is the last one of its chat. */
export function newPair({ accountId, chatId, said, completion, idempotent }: Making): NewPair {
  const body = bodyOf({ question: said.question, response: completion.response ?? null, metadata: said.metadata ?? null });
  return {
    accountId,
    chatId,
    responseId: newId(),
    version: 1,
    messageType: said.message_type ?? 'text',
    status: completion.status ?? 'complete',
    author: said.author ?? null,
    model: completion.model ?? null,
    usage: completion.usage ?? null,
    error: completion.error ?? null,
    createdAt: new Date(),
    body,
    sha256: sha256Of(body),
    branches: [],
    branchesTotal: 0,
    parent: undefined,
    mustBeActive: false,
    idempotent,
  };
}
