import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { problems } from '../../common/problems.js';
import { Idempotency, type IdempotentRequest } from '../../database/idempotency.js';
import type { QaPairDto } from '../chat/pair.dto.js';
import { type AnswerEnd, type AnswerStream, endOf, lastOf } from '../completion/answer-event.js';
import { GenerationService } from '../completion/generation.service.js';
import { Generator } from '../completion/generator.service.js';
import { type AppendAnswer, type AppendedPair, AppendService } from './append.service.js';

/** What became of a post: a stored pair, or an answer that is being written. */
export type Posted = AppendAnswer | AnswerStream;

/** As long as a key's insert waits for another one. */
const REPLAY_WAIT_MS = 2000;

const isStored = (posted: Posted): posted is AppendAnswer => 'json' in posted;

/** What follows a post: words go to their store, models begin to answer, and whoever posted is told as he wants it. */
@Injectable()
export class Postings {
  constructor(
    private readonly appends: AppendService,
    private readonly generator: Generator,
    private readonly generations: GenerationService,
    private readonly idempotency: Idempotency,
  ) {}

  /** Goes on with a pair that was just committed. */
  async proceed({ pair, appended }: AppendedPair): Promise<Posted> {
    if (!pair.generation) return this.appends.deliver({ pair, appended });
    const { accountId, chatId, responseId, generation } = pair;
    const { generationId, model, settings } = generation;
    const ref = { accountId, chatId, responseId, generationId, model, settings, rootChatId: appended.root_chat_id, seq: appended.seq };
    return this.generations.begun(this.generator.start(ref));
  }

  /** What was answered to a key before; null when it was never used. An answer that is still being written is gone on with. */
  async replay(accountId: string, idempotent: IdempotentRequest | null): Promise<Posted | null> {
    const json = idempotent && (await this.idempotency.find(accountId, idempotent));
    return json ? this.again(accountId, json) : null;
  }

  /** The stored answer of a key. */
  async again(accountId: string, json: string): Promise<Posted> {
    const { status, chat_id, response_id } = JSON.parse(json) as Partial<QaPairDto>;
    return status === 'streaming' ? this.generations.follow(accountId, chat_id!, response_id!) : { json, contentState: null };
  }

  /** The pair at its end. @throws idempotency_key_in_use when the first request under the key still runs */
  async whole(accountId: string, posted: Posted, idempotent: IdempotentRequest | null): Promise<AppendAnswer> {
    if (isStored(posted)) return posted;
    const end = idempotent?.replayed ? await soonOf(posted) : await lastOf(posted);
    // As it was at the end, and not as it is now: under a key the same is answered for ever.
    const kept = idempotent?.replayed ? await this.idempotency.find(accountId, idempotent) : null;
    return kept ? { json: kept, contentState: null } : end;
  }

  /** The same as it happens. A pair that is stored already is told as an answer that came at once. */
  streamed(accountId: string, posted: Posted): AnswerStream {
    if (!isStored(posted)) return posted;
    const { response_id: responseId, status } = JSON.parse(posted.json) as QaPairDto;
    return this.generations.stored(accountId, responseId, endOf(posted.json, status, posted.contentState));
  }
}

/** Whoever sends a key again waits for the first request, but not for ever. */
async function soonOf(answer: AnswerStream): Promise<AnswerEnd> {
  const patience = new AbortController();
  const tooLate = sleep(REPLAY_WAIT_MS, null, { signal: patience.signal }).catch(() => null);
  const end = await Promise.race([lastOf(answer), tooLate]).finally(() => patience.abort());
  if (!end) throw problems.idempotencyKeyInUse({ headers: { 'retry-after': '5' } });
  return end;
}
