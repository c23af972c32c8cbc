import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { v7 } from 'uuid';
import { ContentStore, type PairWrite } from '../../content/content-store.js';
import { Journal } from '../../content/journal.js';
import { afterCommit } from '../../database/database.js';
import { tellChanged } from '../../events/changes.js';
import { RootsService } from '../chat/roots.service.js';
import { type Brought, ConversationWriting } from './conversation-writing.js';
import { ImportPair, ImportSource } from './import.entity.js';
import type { IncomingConversation } from './incoming.js';
import { CLAIM_SOURCE } from './write.sql.js';

/** So many pairs are on their way to MongoDB at once. */
const SENT_TOGETHER = 64;

/**
 * Puts conversations into both stores: in one transaction each, so that one comes in whole or not
 * at all, and once, whoever brings it at the same time.
 */
@Injectable()
export class ConversationWriter {
  constructor(
    private readonly content: ContentStore,
    private readonly journal: Journal,
    private readonly roots: RootsService,
  ) {}

  /** Whatever of it is not there yet, in that transaction. */
  async write(
    tx: EntityManager,
    accountId: string,
    incoming: IncomingConversation,
  ): Promise<Brought> {
    const { source, sourceKey, digest } = incoming;
    const rootChatId = v7({ msecs: incoming.root.createdAt.getTime() });
    const place = { accountId, source, sourceKey };
    const [claimed] = await tx.query<
      { root_chat_id: string; digest: Buffer; head_response_id: string | null }[]
    >(CLAIM_SOURCE, [accountId, source, sourceKey, rootChatId, digest]);
    const work = new ConversationWriting(tx, accountId, incoming, this.content);
    let brought: Brought;
    if (claimed!.root_chat_id === rootChatId) brought = await work.add(rootChatId);
    else if (await work.read(claimed!.root_chat_id))
      brought = await work.update(claimed!.head_response_id);
    else {
      // It was deleted, and is brought in anew.
      await tx.delete(ImportPair, place);
      brought = await work.add(rootChatId);
    }
    const known = { rootChatId: brought.rootChatId, digest, headResponseId: work.headId };
    await tx.update(ImportSource, place, known);
    if (brought.kind !== 'unchanged') tellChanged(tx, accountId, brought.rootChatId);
    afterCommit(tx, () => this.roots.learn(accountId, brought.rootChatId, brought.rootChatId));
    return brought;
  }

  /** Sends the words of pairs that are committed to MongoDB; what fails is sent by the relay. */
  async deliver(writes: readonly PairWrite[]): Promise<void> {
    if (this.content.table === 'chat_contents') return;
    for (let at = 0; at < writes.length; at += SENT_TOGETHER)
      await Promise.all(
        writes.slice(at, at + SENT_TOGETHER).map((write) => this.journal.deliver(write)),
      );
  }
}
