import { Injectable } from '@nestjs/common';
import { wordsOf } from '../../content/body.js';
import { Database } from '../../database/database.js';
import type { Pair } from '../chat/pair.js';
import { PathService } from '../chat/path.service.js';
import { LAST_MARK, type Mark, WRITE_MARK } from './summary-marks.sql.js';
import { countWords } from './word-count.js';

export interface WordCounts {
  words: number;
  questions: number;
  responses: number;
}

/** The places of marks. */
const MARK_PAIRS = 100;
/**
 * Pairs that are read at once: so many that their words are about so many bytes, within these
 * bounds.
 */
const WINDOW_BYTES = 256 * 1024;
const WINDOW_PAIRS_MIN = 20;
const WINDOW_PAIRS_MAX = 1000;
/**
 * More unfinished answers than that, and no further marks are made: then all that comes behind is
 * read each time.
 */
const OPEN_MAX = 200;
const NOTHING: Mark = {
  seq: 0,
  words: 0,
  questions: 0,
  responses: 0,
  open_ids: [],
  open_versions: [],
};

/**
 * Counts words, questions and responses of paths. They are not in PostgreSQL, so they are read, in
 * windows; what was counted is marked at the last hundredth pair of each, and the next count, on
 * this path or any other that has the pair, goes on from there. So each pair's words are read once,
 * and those of a window at most again; and a count that was cut off has lost no more than that.
 */
@Injectable()
export class WordCountsService {
  constructor(
    private readonly database: Database,
    private readonly paths: PathService,
  ) {}

  /** Of the pairs with `seq` up to `lastSeq`. @throws chat_not_found, content_unavailable */
  async count(accountId: string, chatId: string, lastSeq: number): Promise<WordCounts> {
    const [mark] =
      lastSeq > 0 ? await this.database.query<Mark>(LAST_MARK, [accountId, chatId, lastSeq]) : [];
    let counted = mark ?? NOTHING;
    for (let size = MARK_PAIRS; counted.seq < lastSeq;) {
      const { pairs } = await this.paths.page(
        accountId,
        chatId,
        Math.min(size, lastSeq - counted.seq),
        { after: counted.seq },
      );
      if (pairs.length === 0) break;
      counted = await this.add(accountId, counted, pairs);
      size = windowAfter(pairs);
    }
    const { words, questions, responses } = counted;
    return { words, questions, responses };
  }

  /** What is counted with some more pairs. */
  private async add(accountId: string, before: Mark, pairs: readonly Pair[]): Promise<Mark> {
    const marked = pairs.findLastIndex(({ seq }) => seq % MARK_PAIRS === 0) + 1;
    const at = pairs.slice(0, marked).reduce(plus, before);
    if (marked > 0 && at.open_ids.length <= OPEN_MAX)
      await this.write(accountId, pairs[marked - 1]!.chatId, at);
    return pairs.slice(marked).reduce(plus, at);
  }

  private async write(
    accountId: string,
    ownerId: string,
    { seq, words, questions, responses, open_ids, open_versions }: Mark,
  ): Promise<void> {
    await this.database.query(WRITE_MARK, [
      accountId,
      ownerId,
      seq,
      words,
      responses,
      open_ids,
      open_versions,
      questions,
    ]);
  }
}

/** As many pairs as `WINDOW_BYTES` hold of such pairs. */
function windowAfter(pairs: readonly Pair[]): number {
  const bytes = pairs.reduce((sum, { body }) => sum + body.length, 0);
  return Math.min(
    WINDOW_PAIRS_MAX,
    Math.max(WINDOW_PAIRS_MIN, Math.floor((WINDOW_BYTES * pairs.length) / bytes)),
  );
}

function plus(mark: Mark, { responseId, seq, status, version, body }: Pair): Mark {
  const { question, response } = wordsOf(body);
  // What is complete is never written anew; every other answer may be. More than are marked need no
  // noting.
  const isOpen = status !== 'complete' && mark.open_ids.length <= OPEN_MAX;
  return {
    seq,
    words: mark.words + countWords(question ?? '') + countWords(response ?? ''),
    questions: mark.questions + (question === null ? 0 : 1),
    responses: mark.responses + (response === null ? 0 : 1),
    open_ids: isOpen ? [...mark.open_ids, responseId] : mark.open_ids,
    open_versions: isOpen ? [...mark.open_versions, version] : mark.open_versions,
  };
}
