import {
  LanguageModel,
  type ModelInfo,
  type ModelMessage,
  type ModelPart,
  type ModelRequest,
  stopped,
  textOfMessage,
} from './language-model.js';
import { countedText } from './message-size.js';

const QUOTED_CHARS_MAX = 200;
const OFFLINE: ModelInfo = {
  id: 'offline',
  provider: 'offline',
  contextTokens: 262_144,
  outputTokens: 4096,
};

/**
 * The model when no provider is configured. It knows nothing and says so: it shows what it was
 * asked and how much of the branch it saw, so that people can try branching without a key, and
 * tests can see which context an answer was given. The same request gets the same answer, word by
 * word.
 */

export class OfflineModel extends LanguageModel {
  models(): readonly ModelInfo[] {
    return [OFFLINE];
  }

  /**
   * Stands in for every model: what was written for a real one works here too, and `model` of the
   * answer says who gave it.
   */
  find(): ModelInfo {
    return OFFLINE;
  }

  async *stream(
    { messages, maxOutputTokens = Infinity, stop = [] }: ModelRequest,
    signal: AbortSignal,
  ): AsyncGenerator<ModelPart> {
    const all = wordsOf(upTo(stop, answerTo(messages)));
    const said = all.slice(0, maxOutputTokens);
    for (const text of said) {
      if (signal.aborted) throw stopped();
      yield { type: 'delta', text };
    }
    if (signal.aborted) throw stopped();
    // Words are counted in place of tokens: this model has no tokenizer.
    const read = messages.reduce((sum, one) => sum + wordsOf(countedText(one)).length, 0);
    const finishReason = said.length < all.length ? 'length' : 'stop';
    yield {
      type: 'end',
      model: OFFLINE.id,
      finishReason,
      usage: { input_tokens: read, output_tokens: said.length },
    };
  }
}

function answerTo(messages: readonly ModelMessage[]): string {
  const asked = messages.filter(({ role }) => role === 'user').map(textOfMessage);
  const question = asked.pop() ?? '';
  const last = asked.at(-1);
  return [
    `I am Banyan's offline model: no language model is configured, so I cannot know the answer.`,
    `You asked: “${quote(question)}”`,
    `Before it I saw ${asked.length} earlier ${asked.length === 1 ? 'pair' : 'pairs'} of this branch` +
      (last === undefined ? '' : `, the last one about “${quote(last)}”`) +
      (messages[0]?.role === 'system' ? ', and a system prompt.' : '.'),
  ].join('\n');
}

function quote(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  const chars = [...line];
  return chars.length <= QUOTED_CHARS_MAX ? line : `${chars.slice(0, QUOTED_CHARS_MAX).join('')}…`;
}

/** The text up to the first of the texts that end it. */
function upTo(stop: readonly string[], text: string): string {
  const ends = stop.map((end) => text.indexOf(end)).filter((at) => at >= 0);
  return text.slice(0, Math.min(text.length, ...ends));
}

/** Words with the space after them: joined they are the text. */
const wordsOf = (text: string): string[] => text.match(/\s*\S+\s*/g) ?? [];
