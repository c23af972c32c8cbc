import { Injectable } from '@nestjs/common';
import { wordsOf } from '../../content/body.js';
import { Database } from '../../database/database.js';
import type { Pair } from '../chat/pair.js';
import { PathService } from '../chat/path.service.js';
import { LAST_MARK, type Mark, WRITE_MARK } from './summary-marks.sql.js';
import { countWords } from './word-count.js';

export interface WordCounts {
  words: number;
  responses: number;
}

/** Pairs that are read at once, and the distance of marks. */
const PAGE = 100;
/** More unfinished answers than that, and no further marks are made: then all that comes behind is read each time. */
const OPEN_MAX = 200;
const NOTHING: Mark = { seq: 0, words: 0, responses: 0, open_ids: [], open_versions: [] };

/**
 * Counts words and responses of paths. Words are not in PostgreSQL, so they are read; but what was counted is marked at every hundredth pair, and
 * the next count, on this path or any other that has the pair, goes on from there: each pair's words are read once, and at most 99 again.
 */
@Injectable()
export class WordCountsService {
  constructor(
    private readonly database: Database,
    private readonly paths: PathService,
  ) {}

  /** Of the pairs with `seq` up to `lastSeq`. @throws chat_not_found, content_unavailable */
  async count(accountId: string, chatId: string, lastSeq: number): Promise<WordCounts> {
    const [mark] = lastSeq > 0 ? await this.database.query<Mark>(LAST_MARK, [accountId, chatId, lastSeq]) : [];
    let counted = mark ?? NOTHING;
    while (counted.seq < lastSeq) {
      const { pairs } = await this.paths.page(accountId, chatId, Math.min(PAGE, lastSeq - counted.seq), { after: counted.seq });
      const last = pairs.at(-1);
      if (!last) break;
      counted = pairs.reduce(plus, counted);
      if (last.seq % PAGE === 0 && counted.open_ids.length <= OPEN_MAX) await this.write(accountId, last.chatId, counted);
    }
    return { words: counted.words, responses: counted.responses };
  }

  private async write(accountId: string, ownerId: string, { seq, words, responses, open_ids, open_versions }: Mark): Promise<void> {
    await this.database.query(WRITE_MARK, [accountId, ownerId, seq, words, responses, open_ids, open_versions]);
  }
}

function plus(mark: Mark, { responseId, seq, status, version, body }: Pair): Mark {
  const { question, response } = wordsOf(body);
  // What is complete is never written anew; every other answer may be.
  const isOpen = status !== 'complete';
  return {
    seq,
    words: mark.words + countWords(question) + countWords(response ?? ''),
    responses: mark.responses + (response === null ? 0 : 1),
    open_ids: isOpen ? [...mark.open_ids, responseId] : mark.open_ids,
    open_versions: isOpen ? [...mark.open_versions, version] : mark.open_versions,
  };
}
