import { Tokenizer, TokenParser, TokenType } from '@streamparser/json';
import { Unreadable } from './source.js';
import { ExactNumber } from './values.js';

/** One item is held in memory as a whole; the largest conversation seen had 40 MiB. */
export const ITEM_BYTES_MAX = 96 * 1024 * 1024;
/** What comes later in its way is written by functions that call themselves. */
const LEVELS_MAX = 200;

/** Keeps the digits that a number of JavaScript would lose. */
class ExactTokenizer extends Tokenizer {
  protected override parseNumber(digits: string): number {
    const number = Number(digits);
    // What the parser makes of it is handed on as it is.
    return String(number) === digits ? number : (new ExactNumber(digits) as unknown as number);
  }
}

/** How a file of JSON is laid out. */
export type Layout = 'list' | 'single' | 'lines';

const PATHS: Record<Layout, string> = { list: '$.*', single: '$', lines: '$' };

/**
 * The items of a file of JSON, one after the other, in memory for one item: those of a list, one
 * alone, or one to a line.
 * @throws Unreadable where the file is no JSON, cut off, nested too deep, or an item too large
 */
export async function* itemsOf(
  bytes: AsyncIterable<Uint8Array>,
  layout: Layout,
): AsyncGenerator<unknown, void, undefined> {
  const parser = new ItemParser(layout);
  for await (const chunk of bytes) {
    parser.write(chunk);
    yield* parser.take();
  }
  parser.end();
  yield* parser.take();
}

class ItemParser {
  private items: unknown[] = [];
  private level = 0;
  private bytesOfItem = 0;
  private readonly tokenizer: ExactTokenizer;
  private readonly values: TokenParser;

  constructor(layout: Layout) {
    // Any white space may stand between two documents: so between two lines.
    const separator = layout === 'lines' ? '' : undefined;
    this.tokenizer = new ExactTokenizer({ separator, stringBufferSize: 64 * 1024 });
    this.values = new TokenParser({ paths: [PATHS[layout]], keepStack: false, separator });
    this.tokenizer.onToken = (token) => {
      this.watchLevel(token.token);
      this.values.write(token);
    };
    this.values.onValue = ({ value }) => {
      this.items.push(value);
      this.bytesOfItem = 0;
    };
    // By default both throw: out of `write`, to whoever called it.
  }

  write(chunk: Uint8Array): void {
    this.bytesOfItem += chunk.length;
    this.reading(() => this.tokenizer.write(chunk));
    if (this.bytesOfItem > ITEM_BYTES_MAX)
      throw new Unreadable(
        'conversation_too_large',
        `One conversation of the file has more than ${ITEM_BYTES_MAX / 1024 / 1024} MiB. Split the export.`,
      );
  }

  end(): void {
    this.reading(() => {
      if (!this.tokenizer.isEnded) this.tokenizer.end();
      if (!this.values.isEnded) this.values.end();
    });
  }

  take(): unknown[] {
    const { items } = this;
    this.items = [];
    return items;
  }

  private watchLevel(token: TokenType): void {
    if (token === TokenType.LEFT_BRACE || token === TokenType.LEFT_BRACKET) this.level++;
    if (token === TokenType.RIGHT_BRACE || token === TokenType.RIGHT_BRACKET) this.level--;
    if (this.level > LEVELS_MAX)
      throw new Unreadable(
        'nested_too_deep',
        `The file is nested deeper than ${LEVELS_MAX} levels.`,
      );
  }

  private reading(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (error instanceof Unreadable) throw error;
      throw new Unreadable(
        'not_json',
        'The file is no JSON, or it is cut off: export it again, and send all of it.',
      );
    }
  }
}
