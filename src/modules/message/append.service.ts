import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { ContentStore } from '../../content/content-store.js';
import { type ContentState, Journal } from '../../content/journal.js';
import { ForkService } from '../chat/fork.service.js';
import { pairJson } from '../chat/pair.js';
import { TreeChanges } from '../chat/tree-changes.service.js';
import { AppendLanes } from './append.lanes.js';
import { type Appended, appendStatements, type NewPair, oneInput } from './append.sql.js';

/** What a client is told of its new pair: the JSON of a `QaPairDto`, and whether MongoDB has the words already (`Content-State`). */
export interface AppendAnswer {
  json: string;
  /** Null for an answer that is given again: it says nothing about today. */
  contentState: ContentState | null;
}

const UNIQUE_VIOLATION = '23505';

/** Puts pairs into PostgreSQL, and from there into the content store. Once it is in PostgreSQL, a pair exists whatever happens next. */
@Injectable()
export class AppendService {
  private readonly statement: string;

  constructor(
    private readonly lanes: AppendLanes,
    private readonly journal: Journal,
    private readonly forks: ForkService,
    private readonly trees: TreeChanges,
    content: ContentStore,
  ) {
    this.statement = appendStatements(content.table).one.text;
  }

  /** Refuses while MongoDB is so far behind that no more may be promised. @throws store_unavailable */
  assertRoom(): void {
    this.journal.assertRoom();
  }

  /** Appends the pair; null when the chat refused it: it is gone, its head is another one, it is not active, or the key was used. */
  async append(pair: NewPair): Promise<AppendAnswer | null> {
    try {
      const appended = await this.lanes.append(pair);
      return appended && (await this.deliver(pair, appended));
    } catch (error) {
      if (pair.idempotent && (error as { code?: string }).code === UNIQUE_VIOLATION) return null;
      throw error;
    }
  }

  /** Makes a branch behind the pair's `parent` (null: before the first pair) and appends there, in one transaction. */
  async appendToFork(pair: NewPair, activate = false): Promise<AppendAnswer> {
    const made: { pair: NewPair; appended: Appended }[] = [];
    const json = await this.trees.once(pair.accountId, pair.chatId, pair.idempotent, async (tx) => {
      // A deadlock's victim runs again: what its first run made is gone.
      made[0] = await this.forkAndAppend(tx, pair, activate);
      return pairJson({ ...made[0].pair, seq: made[0].appended.seq });
    });
    return made[0] ? this.deliver(made[0].pair, made[0].appended) : { json, contentState: null };
  }

  private async forkAndAppend(tx: EntityManager, pair: NewPair, activate: boolean): Promise<{ pair: NewPair; appended: Appended }> {
    const branch = await this.forks.fork(tx, pair.accountId, pair.chatId, { response_id: pair.parent ?? null, activate });
    const inBranch = { ...pair, chatId: branch.chat_id, parent: undefined, mustBeActive: false, idempotent: null };
    return { pair: inBranch, appended: await this.appendIn(tx, inBranch) };
  }

  /** Appends, in the transaction of a caller, to a chat that was made in it. After the commit the caller gives the pair to `deliver`. */
  async appendIn(tx: EntityManager, pair: NewPair): Promise<Appended> {
    const [appended] = await tx.query<Appended[]>(this.statement, oneInput(pair));
    return appended!;
  }

  /** Takes the words of a committed pair to the content store. Never throws for the store's sake. */
  async deliver(pair: NewPair, { root_chat_id, fork_seq, seq }: Appended): Promise<AppendAnswer> {
    const contentState = await this.journal.deliver({ ...pair, rootChatId: root_chat_id, forkSeq: fork_seq, seq });
    return { json: pairJson({ ...pair, seq }), contentState };
  }
}
