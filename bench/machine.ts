import { createHash } from 'node:crypto';
import { short } from './report.js';
import { spreadOf } from './rounds.js';
import { pairOf } from './text.js';

const SAMPLES = 15;

/**
 * How long a piece of work takes that is the same on every day: JSON of 2,000 pairs read, written
 * and hashed. What is no ratio (P10, P13, P16) is to be read beside it.
 */
export class Machine {
  private readonly times: number[] = [];
  private readonly text = JSON.stringify(Array.from({ length: 2000 }, (_, n) => pairOf(n)));

  sample(): void {
    for (let n = 0; n < SAMPLES; n++) {
      const started = performance.now();
      createHash('sha256')
        .update(JSON.stringify(JSON.parse(this.text)))
        .digest();
      this.times.push(performance.now() - started);
    }
  }

  told(): string {
    const { min, med, max } = spreadOf(this.times);
    const bytes = `${short(this.text.length / 1e6)} MB`;
    return `The machine: ${bytes} of JSON read, written and hashed in ${short(min)} / ${short(med)} / ${short(max)} ms (min / median / max, before each part)`;
  }
}
