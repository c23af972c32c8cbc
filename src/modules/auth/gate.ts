/**
 * Lets at most `width` pieces of work run at once; the others wait in the order of their coming.
 */
export class Gate {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly width: number) {}

  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.running >= this.width)
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.running++;
    try {
      return await work();
    } finally {
      // The place passes straight to the next one in line, so that nobody who comes in between can
      // take it.
      const next = this.waiting.shift();
      if (next) next();
      else this.running--;
    }
  }
}
