import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database, type Statement } from '../../database/database.js';
import { Idempotency, type IdempotentRequest } from '../../database/idempotency.js';
import type { Metadata } from './openai-metadata.js';

const FIND: Statement = {
  name: 'openai.conversation_notes',
  text: `SELECT metadata FROM conversation_notes WHERE account_id = $1 AND chat_id = $2`,
};
const NOTE = `
  INSERT INTO conversation_notes (account_id, chat_id, metadata) VALUES ($1, $2, $3)
  ON CONFLICT (account_id, chat_id) DO UPDATE SET metadata = excluded.metadata`;

/** The `metadata` of conversations, by their roots. */
@Injectable()
export class NotesOfConversations {
  constructor(
    private readonly database: Database,
    private readonly idempotency: Idempotency,
  ) {}

  async find(accountId: string, chatId: string): Promise<Metadata> {
    const [notes] = await this.database.query<{ metadata: Metadata }>(FIND, [accountId, chatId]);
    return notes?.metadata ?? {};
  }

  /** In the transaction that makes the conversation. */
  async note(
    tx: EntityManager,
    accountId: string,
    chatId: string,
    metadata: Metadata,
  ): Promise<void> {
    await tx.query(NOTE, [accountId, chatId, metadata]);
  }

  /** In the place of what was there. @returns the JSON of `answer`, or what the key had */
  replace(
    accountId: string,
    chatId: string,
    metadata: Metadata,
    { key, answer }: { key: IdempotentRequest | null; answer: object },
  ): Promise<string> {
    return this.idempotency.once(accountId, key, async (tx) => {
      await this.note(tx, accountId, chatId, metadata);
      return answer;
    });
  }
}
