import { Injectable } from '@nestjs/common';
import { readPair } from '../../content/body.js';
import { Database, type Statement } from '../../database/database.js';
import { Idempotency, type IdempotentRequest } from '../../database/idempotency.js';
import { type Pair, pairJson } from '../chat/pair.js';
import type { QaPairDto } from '../chat/pair.dto.js';
import { PathService } from '../chat/path.service.js';
import { partsOf } from './part-items.js';
import { isSameSide } from './same-side.js';
import type { Turn } from './turns.js';

/** The pair that a turn is, and which of its sides the turn has. */
export interface StoredTurn {
  pair: Pair;
  hasQuestion: boolean;
  hasResponse: boolean;
}

interface Mark extends Record<string, unknown> {
  response_id: string;
  is_question_saved: boolean;
  is_response_saved: boolean;
}

const FIND: Statement = {
  name: 'openai.saved_turns',
  text: `
    SELECT response_id, is_question_saved, is_response_saved FROM history_places
    WHERE account_id = $1 AND response_id = ANY ($2::uuid[])`,
};

/** The sides of the pairs $2 that were not saved before. */
const MARK = `
  WITH sent AS (SELECT * FROM unnest($2::uuid[], $3::boolean[], $4::boolean[]) AS s (response_id, has_question, has_response)),
  place AS (
    SELECT h.response_id FROM history_places h JOIN sent s USING (response_id)
    WHERE h.account_id = $1 AND NOT (h.is_question_saved AND s.has_question) AND NOT (h.is_response_saved AND s.has_response)
    ORDER BY h.response_id FOR UPDATE OF h
  )
  UPDATE history_places h SET is_question_saved = h.is_question_saved OR s.has_question, is_response_saved = h.is_response_saved OR s.has_response
  FROM sent s JOIN place USING (response_id) WHERE h.account_id = $1 AND h.response_id = s.response_id
  RETURNING h.response_id`;

/** Thrown to take back what a transaction did: somebody was quicker. */
class SavedMeanwhile extends Error {}

/**
 * What a client saves in a conversation of an answer whose place there was found by its history.
 * OpenAI's API puts such an answer nowhere, so its clients save it, without the ids; here it is at
 * the end of the branch already. So the first save of each side is what is there, and every further
 * one is something that was said again (docs/decisions/0043-saved-turns.md).
 */
@Injectable()
export class SavedTurns {
  constructor(
    private readonly database: Database,
    private readonly paths: PathService,
    private readonly idempotency: Idempotency,
  ) {}

  /**
   * The pairs that the first turns are: as many as the branch ends with. @throws
   * content_unavailable; 422 for bytes that cannot be read
   */
  async find(accountId: string, chatId: string, turns: readonly Turn[]): Promise<StoredTurn[]> {
    const { pairs } = await this.paths.page(accountId, chatId, turns.length);
    const ids = pairs.map(({ responseId }) => responseId);
    const rows = await this.database.query<Mark>(FIND, [accountId, ids]);
    if (rows.length === 0) return [];
    const marks = new Map(rows.map((row) => [row.response_id, row]));
    for (let from = 0; from < pairs.length; from++) {
      const last = pairs.slice(from);
      if (last.every((pair, at) => isSaved(pair, turns[at]!, marks.get(pair.responseId))))
        return last.map((pair, at) => storedTurn(pair, turns[at]!));
    }
    return [];
  }

  /**
   * Keeps that these sides were saved, all or none, and for a key the last of the pairs. False
   * where another request did it meanwhile.
   */
  async mark(
    accountId: string,
    saved: readonly StoredTurn[],
    key: IdempotentRequest | null,
  ): Promise<boolean> {
    if (saved.length === 0) return true;
    const values = [
      ...[accountId, saved.map(({ pair }) => pair.responseId)],
      ...[saved.map(({ hasQuestion }) => hasQuestion), saved.map(({ hasResponse }) => hasResponse)],
    ];
    const marked = this.idempotency.once(accountId, key, async (tx) => {
      const rows = await tx.query<unknown[][]>(MARK, values);
      if (rows[0]!.length < saved.length) throw new SavedMeanwhile();
      return pairJson(saved.at(-1)!.pair);
    });
    return marked.then(
      () => true,
      (error: unknown) => {
        if (error instanceof SavedMeanwhile) return false;
        throw error;
      },
    );
  }
}

export const storedTurn = (pair: Pair, { question, response }: Turn): StoredTurn => ({
  pair,
  hasQuestion: question.length > 0,
  hasResponse: response.length > 0,
});

/** Whether each side of a turn is that of the pair, and comes in the order of the sides. */
function isSaved(pair: Pair, { question, response, known }: Turn, mark: Mark | undefined): boolean {
  if (!mark || pair.status === 'streaming' || (known !== null && known !== pair.responseId))
    return false;
  const dto = readPair<QaPairDto>(pairJson(pair));
  const asked = partsOf(dto.question_parts, dto.question);
  const said = partsOf(dto.response_parts, dto.response);
  const isQuestion = !mark.is_question_saved && isSameSide(asked, question);
  const isResponse = !mark.is_response_saved && isSameSide(said, response);
  return question.length > 0
    ? isQuestion && (response.length === 0 || isResponse)
    : mark.is_question_saved && isResponse;
}
