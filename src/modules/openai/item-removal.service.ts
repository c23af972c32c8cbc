import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { problems } from '../../common/problems.js';
import { bodyOf, sha256Of, wordsOf } from '../../content/body.js';
import { ContentStore, type PairWrite } from '../../content/content-store.js';
import { Journal } from '../../content/journal.js';
import { ANSWER_PLACES, erasing, PLACES } from '../../content/places.js';
import { tellChanged } from '../../events/changes.js';
import { callIdsOf, sideOf } from '../../tree/parts.js';
import { BRANCHES, LOCK_PLACE, type PlaceState, storeEnd } from '../answer/answer.sql.js';
import { type Pair, pairWrite } from '../chat/pair.js';
import { PathService } from '../chat/path.service.js';
import { TreeChanges } from '../chat/tree-changes.service.js';
import { RedactionService } from '../redaction/redaction.service.js';
import { partsOf, withoutItem } from './part-items.js';

/** What is left of a pair. */
interface Rest {
  /** Its words; null where nothing is left. */
  body: string | null;
  /** Whether something of the question goes, by which a chat may be called. */
  isOfQuestion: boolean;
}

const OF_QUESTIONS = PLACES.map((place) => erasing(place));
const OF_ANSWERS = ANSWER_PLACES.map((place) => erasing(place));

/**
 * Single items that are erased for good: the pair has what is left of it as its next version, in
 * every branch that sees it, and goes as a whole with its last item.
 */
@Injectable()
export class ItemRemoval {
  private readonly write: string;

  constructor(
    private readonly trees: TreeChanges,
    private readonly paths: PathService,
    private readonly redactions: RedactionService,
    private readonly journal: Journal,
    content: ContentStore,
  ) {
    this.write = storeEnd(content.table);
  }

  /**
   * @param chatId a living chat with the pair on its path @param name of the item
   * @throws message_not_found, generation_in_progress, content_unavailable
   */
  async remove(accountId: string, chatId: string, responseId: string, name: string): Promise<void> {
    const pair = await this.paths.pair(accountId, chatId, responseId);
    if (pair.status === 'streaming') throw problems.generationInProgress();
    const { body, isOfQuestion } = restOf(pair, name);
    if (body === null) return this.redactions.redact(accountId, chatId, responseId);
    const erasures = isOfQuestion ? OF_QUESTIONS : OF_ANSWERS;
    const { write, round } = await this.trees.run(accountId, chatId, async (tx) => {
      const written = await this.rewrite(tx, accountId, pair, body);
      for (const erasure of erasures) await tx.query(erasure, [accountId, [responseId]]);
      return written;
    });
    await this.journal.deliver(write, round);
  }

  private async rewrite(
    tx: EntityManager,
    accountId: string,
    pair: Pair,
    body: string,
  ): Promise<{ write: PairWrite; round: number }> {
    const { chatId, responseId, seq, version, status, model, usage, error } = pair;
    const [place] = await tx.query<PlaceState[]>(LOCK_PLACE, [accountId, chatId, seq]);
    if (!place) throw problems.chatNotFound();
    if (place.is_busy) throw problems.generationInProgress();
    const sha256 = sha256Of(body);
    const [row] = await tx.query<{ version: number; round: number }[]>(this.write, [
      ...[
        accountId,
        null,
        chatId,
        responseId,
        status,
        body,
        Buffer.byteLength(body),
        sha256,
        model,
      ],
      ...[usage && JSON.stringify(usage), error && JSON.stringify(error)],
      ...['message.completed', null, new Date(), null, null],
      callIdsOf(wordsOf(body).response_parts),
    ]);
    // Somebody was quicker.
    if (row?.version !== version + 1) throw problems.generationInProgress();
    const [branches] = await tx.query<{ shown: string[]; total: number }[]>(BRANCHES, [
      ...[accountId, chatId, seq, responseId],
    ]);
    tellChanged(tx, accountId, place.root_chat_id);
    const { shown, total } = branches!;
    const { root_chat_id: rootChatId, fork_seq: forkSeq } = place;
    const now = { ...pair, body, version: row.version, branches: shown, branchesTotal: total };
    return {
      write: pairWrite(now, { accountId, rootChatId, forkSeq, seq, sha256 }),
      round: row.round,
    };
  }
}

/** @throws message_not_found for an item that it has not */
function restOf({ responseId, body }: Pair, name: string): Rest {
  const words = wordsOf(body);
  const asked = partsOf(words.question_parts ?? null, words.question);
  const said = partsOf(words.response_parts ?? null, words.response);
  const question = withoutItem(responseId, asked, 'question', name);
  const response = withoutItem(responseId, said, 'answer', name);
  if (!question && !response) throw problems.messageNotFound();
  const [left, right] = [sideOf(question ?? asked), sideOf(response ?? said)];
  const isEmpty = (question ?? asked).length === 0 && (response ?? said).length === 0;
  const rest = {
    ...words,
    ...{ question: left.text, question_parts: left.parts },
    ...{ response: right.text, response_parts: right.parts },
  };
  return { body: isEmpty ? null : bodyOf(rest), isOfQuestion: question !== null };
}
