import { Injectable } from '@nestjs/common';
import { type EntityManager, IsNull } from 'typeorm';
import { treeState } from '../../cache/validated.js';
import { assertMatches, type IfMatch } from '../../common/etag.js';
import { failpoint } from '../../common/failpoint.js';
import { problems } from '../../common/problems.js';
import { sha256Of, wordsOf } from '../../content/body.js';
import { ContentStore, type PairWrite } from '../../content/content-store.js';
import { Journal } from '../../content/journal.js';
import { NO_WORDS } from '../../content/pair.columns.js';
import { REDACTED_BODY } from '../../content/places.js';
import { type Change, recordChanges } from '../../events/changes.js';
import { BRANCHES } from '../answer/answer.sql.js';
import { Answers } from '../answer/answers.service.js';
import { titleOf } from '../answer/titles.service.js';
import { Chat } from '../chat/chat.entity.js';
import { findIn } from '../chat/chat.service.js';
import { Conversation } from '../chat/conversation.entity.js';
import { type Pair, pairJson, pairWrite } from '../chat/pair.js';
import { PathService } from '../chat/path.service.js';
import { lockTree } from '../chat/tree-lock.js';
import { TreeChanges } from '../chat/tree-changes.service.js';
import { releaseFiles } from '../file/file-references.js';
import { blankPlaces } from './blank-places.js';
import {
  BLANK_PAIR,
  blankWords,
  COPIES,
  type CopyRow,
  HOLD_OWNER,
  NOTE_REDACTION,
  SETTLE_ANSWERS,
  TARGET,
  type TargetRow,
} from './redaction.sql.js';

const SHA256 = sha256Of(REDACTED_BODY);
/** An answer may begin again between its end and the redaction. */
const ATTEMPTS_MAX = 5;

/** Which pair, and by which chat that sees it. */
interface RedactionTarget {
  accountId: string;
  chatId: string;
  responseId: string;
  /** What was merged goes with what it came from, also where its chat is deleted. */
  isCopy: boolean;
}

/** What is to be written to the store of words now. */
interface RedactedWrite {
  write: PairWrite;
  round: number;
}

/**
 * Erases the words of a pair for good. All that PostgreSQL has goes in one transaction, and with it
 * the words of the next version, which have none, are on their way to MongoDB: killed at any
 * moment, either nothing has happened or the journal finishes it. Where words are, and why nothing
 * can be forgotten, is in `content/places.ts`.
 */
@Injectable()
export class RedactionService {
  constructor(
    private readonly trees: TreeChanges,
    private readonly paths: PathService,
    private readonly answers: Answers,
    private readonly content: ContentStore,
    private readonly journal: Journal,
  ) {}

  /**
   * In every branch that sees the pair; an answer that is being written is ended first. A pair that
   * is redacted already stays as it is.
   * @param ifMatch the state of the chat, or of its tree, that it is to be in when this begins
   * @throws chat_not_found, message_not_found, revision_stale; store_unavailable when its answer
   * cannot be ended
   */
  async redact(
    accountId: string,
    chatId: string,
    responseId: string,
    ifMatch: IfMatch = null,
  ): Promise<void> {
    const wanted = { accountId, chatId, responseId, isCopy: false };
    if (ifMatch !== null)
      await this.trees.run(accountId, chatId, (tx) => assertIn(tx, wanted, ifMatch));
    await this.one(wanted);
  }

  /**
   * What was merged from it goes first, so that all of it is found again if this is killed; and
   * what was merged meanwhile after it. Whoever merges looks whether it is redacted.
   */
  private async one(wanted: RedactionTarget): Promise<void> {
    await this.copies(wanted);
    await this.blankOne(wanted);
    await this.copies(wanted);
  }

  private async copies(wanted: RedactionTarget): Promise<void> {
    const { accountId, chatId, responseId } = wanted;
    const copies = await this.trees.run(accountId, chatId, async (tx) => {
      // Whoever may not redact it may not redact what came of it.
      await targetIn(tx, wanted);
      return tx.query<CopyRow[]>(COPIES, [accountId, responseId]);
    });
    for (const copy of copies)
      await this.one({
        ...{ accountId, chatId: copy.chat_id, responseId: copy.response_id },
        isCopy: true,
      });
  }

  private async blankOne(wanted: RedactionTarget): Promise<void> {
    const { accountId, chatId, responseId } = wanted;
    const title = await this.titleBy(wanted);
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const done = await this.trees.run(accountId, chatId, (tx) => this.attempt(tx, wanted, title));
      if (done !== 'streaming') return this.deliver(done);
      await this.answers.halt(accountId, responseId);
    }
    throw problems.generationInProgress();
  }

  /** The name that the words would give to a chat; null where they cannot be read. */
  private async titleBy({
    accountId,
    chatId,
    responseId,
  }: RedactionTarget): Promise<string | null> {
    try {
      const { question } = wordsOf((await this.paths.pair(accountId, chatId, responseId)).body);
      return question && titleOf(question);
    } catch {
      // Whether the pair is there is said later; words that are lost are erased all the same.
      return null;
    }
  }

  private async attempt(
    tx: EntityManager,
    wanted: RedactionTarget,
    title: string | null,
  ): Promise<RedactedWrite | 'streaming' | null> {
    const { accountId, responseId } = wanted;
    const before = await targetIn(tx, wanted);
    await tx.query(HOLD_OWNER, [accountId, before.chatId]);
    // What was read before the owner was held may be older than an answer's end.
    const target = await targetOf(tx, wanted);
    const { rootChatId } = target;
    if (target.status === 'redacted') return null;
    if (target.status === 'streaming') return 'streaming';
    if (title) {
      // A name that nobody noted the origin of is one by these words if it is what they would give.
      const named = { accountId, chatId: rootChatId, namedBy: IsNull(), name: title };
      await tx.update(Chat, named, { namedBy: responseId });
    }
    return this.blank(tx, accountId, responseId, target);
  }

  private async blank(
    tx: EntityManager,
    accountId: string,
    responseId: string,
    target: TargetRow,
  ): Promise<RedactedWrite> {
    const { rootChatId, chatId, forkSeq, seq } = target;
    const ids = [accountId, responseId];
    const pair = await redactedPair(tx, accountId, responseId, target);
    await tx.query(BLANK_PAIR, [...ids, Buffer.byteLength(REDACTED_BODY), SHA256]);
    const changes: Change[] = [{ type: 'message.redacted', chatId, responseId }];
    if (await isNamedBy(tx, accountId, rootChatId, responseId))
      changes.push({ type: 'chat.updated', chatId: rootChatId });
    await recordChanges(tx, { accountId, rootChatId, createdAt: new Date() }, changes);
    const [words] = await tx.query<{ round: number }[]>(blankWords(this.content.table), [
      ...[accountId, chatId, seq, pair.version, REDACTED_BODY],
    ]);
    await tx.query(SETTLE_ANSWERS, [...ids, pairJson(pair), target.createdAt]);
    await blankPlaces(tx, accountId, [responseId]);
    await releaseFiles(tx, accountId, [responseId]);
    await tx.query(NOTE_REDACTION, ids);
    failpoint('redaction.before_commit');
    const place = { accountId, rootChatId, forkSeq, seq, sha256: SHA256 };
    return { write: pairWrite(pair, place), round: words!.round };
  }

  private async deliver(redacted: RedactedWrite | null): Promise<void> {
    failpoint('redaction.after_commit');
    if (redacted) await this.journal.deliver(redacted.write, redacted.round);
  }
}

/** @throws chat_not_found, message_not_found, revision_stale */
async function assertIn(
  tx: EntityManager,
  wanted: RedactionTarget,
  ifMatch: IfMatch,
): Promise<void> {
  const { accountId } = wanted;
  const { rootChatId } = await targetIn(tx, wanted);
  const { revision } = await findIn(tx, accountId, wanted.chatId);
  const { eventSeq } = await tx.findOneByOrFail(Conversation, { accountId, chatId: rootChatId });
  assertMatches(ifMatch, revision, treeState(eventSeq));
}

/** Locks the tree. @throws chat_not_found, message_not_found */
async function targetIn(tx: EntityManager, wanted: RedactionTarget): Promise<TargetRow> {
  const { deleted_at: deletedAt } = await lockTree(tx, wanted.accountId, wanted.chatId);
  if (deletedAt !== null && !wanted.isCopy) throw problems.chatNotFound();
  return targetOf(tx, wanted);
}

async function targetOf(
  tx: EntityManager,
  { accountId, chatId, responseId, isCopy }: RedactionTarget,
): Promise<TargetRow> {
  const values = [accountId, chatId, responseId, isCopy];
  const [target] = await tx.query<TargetRow[]>(TARGET, values);
  if (!target) throw problems.messageNotFound();
  return target;
}

/** As it is afterwards. */
async function redactedPair(
  tx: EntityManager,
  accountId: string,
  responseId: string,
  target: TargetRow,
): Promise<Pair> {
  const place = [accountId, target.chatId, target.seq, responseId];
  const [branches] = await tx.query<{ shown: string[]; total: number }[]>(BRANCHES, place);
  return {
    ...{ ...target, ...NO_WORDS, status: 'redacted', version: target.version + 1 },
    body: REDACTED_BODY,
    branches: branches!.shown,
    branchesTotal: branches!.total,
  };
}

function isNamedBy(
  tx: EntityManager,
  accountId: string,
  rootChatId: string,
  responseId: string,
): Promise<boolean> {
  return tx.existsBy(Chat, { accountId, chatId: rootChatId, namedBy: responseId });
}
