import { Injectable } from '@nestjs/common';
import type { Pair } from '../chat/pair.js';
import { PathService } from '../chat/path.service.js';
import { partsOfPair } from '../client-chat/pair-parts.js';
import { goesOn } from './ui-messages.js';
import type { UiMessageHead, UiStep } from './ui-message-stream.js';

const PAGE_PAIRS = 20;
/** Turns that one message has at most. */
const STEPS_MAX = 1000;

/**
 * Messages of several turns: a model calls tools, their results are the question of the next pair,
 * and to the AI SDK all of it is one message.
 */
@Injectable()
export class Steps {
  constructor(private readonly paths: PathService) {}

  /**
   * The turns of a message that begins with a pair, as they are on the path of a chat, the pair
   * itself first; at most `count` of them.
   */
  async from(accountId: string, chatId: string, first: Pair, count = STEPS_MAX): Promise<Pair[]> {
    const steps = [first];
    while (steps.length < count) {
      const limit = Math.min(PAGE_PAIRS, count - steps.length);
      const after = steps.at(-1)!.seq;
      const { pairs } = await this.paths.page(accountId, chatId, limit, { after });
      const end = pairs.findIndex((pair) => !goesOn(partsOfPair(pair)));
      steps.push(...(end < 0 ? pairs : pairs.slice(0, end)));
      if (end >= 0 || pairs.length < limit) break;
    }
    return steps;
  }

  /** The message that a pair belongs to: where it begins, and its turns before that pair. */
  async headOf(accountId: string, chatId: string, pair: Pair): Promise<UiMessageHead> {
    const steps = [pair];
    while (goesOn(partsOfPair(steps[0]!)) && steps.length < STEPS_MAX) {
      const before = steps[0]!.seq;
      const { pairs } = await this.paths.page(accountId, chatId, PAGE_PAIRS, { before });
      if (pairs.length === 0) break;
      const begin = pairs.findLastIndex((one) => !goesOn(partsOfPair(one)));
      steps.unshift(...pairs.slice(Math.max(0, begin)));
    }
    return steps.length === 1 ? {} : { id: steps[0]!.responseId, earlier: earlierOf(steps) };
  }
}

/** All but the last one, with the results that the one behind each brought. */
function earlierOf(steps: readonly Pair[]): UiStep[] {
  const parts = steps.map(partsOfPair);
  return steps.slice(0, -1).map(({ responseId }, at) => ({
    responseId,
    answered: parts[at]!.answered,
    results: parts[at + 1]!.asked.results,
  }));
}
