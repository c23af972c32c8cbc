import { problemOf } from './problem.filter.js';
import { type Problem, problems } from './problems.js';

/**
 * Runs tasks of one key one after the other, in the order of their arrival; tasks of different keys
 * side by side.
 */
export class KeyedQueue {
  private readonly tails = new Map<string, Promise<unknown>>();
  private readonly lengths = new Map<string, number>();

  /**
   * @param told what those who wait behind a task that failed are told instead of having their
   * turn; null lets them have it
   */
  constructor(private readonly told: (failure: unknown) => Error | null = () => null) {}

  isBusy(key: string): boolean {
    return this.tails.has(key);
  }

  /** How many tasks of the key run or wait. */
  length(key: string): number {
    return this.lengths.get(key) ?? 0;
  }

  async run<Result>(key: string, task: () => Promise<Result>): Promise<Result> {
    const before = this.tails.get(key) ?? Promise.resolve();
    const result = before.then(task, (failure: unknown) => {
      const error = this.told(failure);
      if (error) throw error;
      return task();
    });
    this.tails.set(key, result);
    this.lengths.set(key, this.length(key) + 1);
    try {
      return await result;
    } finally {
      this.lengths.set(key, this.length(key) - 1);
      if (this.tails.get(key) === result) {
        this.tails.delete(key);
        this.lengths.delete(key);
      }
    }
  }
}

/**
 * A store that was silent to one, or a tree that others hold, is not asked by all who wait, one
 * after the other: each of them would wait as long. They have changed nothing.
 */
export function awayToo(failure: unknown): Problem | null {
  const problem = problemOf(failure, 'GET');
  if (problem.kind === problems.resourceBusy.kind) return problem;
  return problem.kind === problems.storeUnavailable.kind
    ? problems.storeUnavailable({ headers: { 'retry-after': '2' } })
    : null;
}
