import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../../database/database.js';
import { isSame, questionHashes } from './history.js';
import { ResponseReader } from './response.reader.js';
import { stateOf } from './response-wire.js';
import type { Turn } from './turns.js';

/** Of questions that are asked again and again the newest are looked at. */
const CANDIDATES_MAX = 20;
/** So far back a history is looked for: what its end does not know, its beginning may. */
const TURNS_MAX = 32;

/** The newest questions that were asked by the histories $2. */
const FIND: Statement = {
  name: 'openai.history_places',
  text: `
    SELECT h.hash, p.response_id FROM unnest($2::bytea[]) AS h (hash)
    CROSS JOIN LATERAL (
      SELECT response_id FROM history_places WHERE account_id = $1 AND hash = h.hash
      ORDER BY response_id DESC LIMIT ${CANDIDATES_MAX}
    ) p`,
};
const NOTE: Statement = {
  name: 'openai.note_history_place',
  text: `
    INSERT INTO history_places (account_id, response_id, chat_id, hash)
    SELECT account_id, response_id, chat_id, $3 FROM messages WHERE account_id = $1 AND response_id = $2
    ON CONFLICT DO NOTHING`,
};

/** Where a history goes on: behind which pair, and which turns are new there. */
export interface HistoryPath {
  responseId: string;
  turns: readonly Turn[];
}

/** Finds what clients that send their whole history have said before. */
@Injectable()
export class HistoryPlaces {
  constructor(
    private readonly database: Database,
    private readonly reader: ResponseReader,
  ) {}

  /** The last pair that the earlier turns of a history name by their ids, if it is there. */
  async byIds(accountId: string, turns: readonly Turn[]): Promise<string | null> {
    const named = turns.slice(0, -1).findLast(({ known }) => known !== null)?.known ?? null;
    return named !== null && (await this.reader.known(accountId, named)) ? named : null;
  }

  /**
   * Keeps by which history a question was asked; null where ids told its place. Where this is lost,
   * its next one begins a new conversation.
   */
  async note(accountId: string, responseId: string, turns: readonly Turn[] | null): Promise<void> {
    const hash = turns && questionHashes(turns).at(-1);
    await this.database.query(NOTE, [accountId, responseId, hash]);
  }

  /** Where all of a history was said before, or its beginning; null for one that is new here. */
  async bySaid(accountId: string, turns: readonly Turn[]): Promise<HistoryPath | null> {
    const earlier = turns.slice(0, -1);
    const hashes = questionHashes(earlier).slice(-TURNS_MAX);
    if (hashes.length === 0) return null;
    const rows = await this.database.query<{ hash: Buffer; response_id: string }>(FIND, [
      accountId,
      hashes,
    ]);
    for (let at = earlier.length - 1; at >= earlier.length - hashes.length; at--) {
      const hash = hashes[at - (earlier.length - hashes.length)]!;
      const asked = rows.filter((row) => row.hash.equals(hash)).map((row) => row.response_id);
      const responseId = await this.answeredSo(accountId, asked, earlier[at]!);
      if (responseId !== null) return { responseId, turns: turns.slice(at + 1) };
    }
    return null;
  }

  /** The newest of some pairs whose answer is the one of a turn. */
  private async answeredSo(
    accountId: string,
    responseIds: readonly string[],
    turn: Turn,
  ): Promise<string | null> {
    for (const responseId of responseIds) {
      const found = await this.reader.known(accountId, responseId);
      if (found && isSame(stateOf(found.pair, null).parts, turn.response)) return responseId;
    }
    return null;
  }
}
