import { Injectable } from '@nestjs/common';
import { type Answer, LanguageModel, type Prompt } from './language-model.js';

const QUOTED_CHARS_MAX = 200;

/**
 * The model when no provider is configured. It knows nothing and says so: it shows what it was asked and how much of the branch it saw, so
 * that people can try branching without a key, and tests can see which context an answer was given. The same prompt gets the same answer.
 */
@Injectable()
export class OfflineModel extends LanguageModel {
  readonly earlierPairsMax = 100;

  async answer({ question, earlier, systemPrompt }: Prompt): Promise<Answer> {
    const text = [
      `I am Banyan's offline model: no language model is configured, so I cannot know the answer.`,
      `You asked: “${quote(question)}”`,
      `Before it I saw ${earlier.length} earlier ${earlier.length === 1 ? 'pair' : 'pairs'} of this branch${lastOf(earlier)}${systemPrompt === null ? '.' : ', and a system prompt.'}`,
    ].join('\n');
    const said = [systemPrompt ?? '', question, ...earlier.flatMap((pair) => [pair.question, pair.response ?? ''])];
    return { text, model: 'offline', usage: { input_tokens: words(said.join(' ')), output_tokens: words(text) } };
  }
}

const lastOf = (earlier: Prompt['earlier']): string => {
  const last = earlier.at(-1);
  return last ? `, the last one about “${quote(last.question)}”` : '';
};

function quote(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  const chars = [...line];
  return chars.length <= QUOTED_CHARS_MAX ? line : `${chars.slice(0, QUOTED_CHARS_MAX).join('')}…`;
}

/** Counts words in place of tokens: this model has no tokenizer. */
const words = (text: string): number => text.split(/\s+/).filter(Boolean).length;
