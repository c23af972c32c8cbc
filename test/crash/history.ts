/** What a key was used for, and what came of it. */
export interface Submission {
  key: string;
  chatId: string;
  question: string;
  response: string;
  /** The body of its 201, byte for byte; undefined while the outcome is unknown. */
  answer?: string;
}

/** What must never happen. `kind` is fixed, so that a test can ask for it. */
export interface Violation {
  kind:
    | 'unexpected answer'
    | 'acknowledged pair lost'
    | 'stored twice'
    | 'nobody sent it'
    | 'other words'
    | 'gap in a path'
    | 'replay differs'
    | 'path unreadable'
    | 'journal not drained'
    | 'fsck';
  detail: string;
}

/** Everything that writers, readers and killers did and saw in one run. */
export class History {
  readonly submissions = new Map<string, Submission>();
  readonly violations: Violation[] = [];
  readonly counts = {
    posts: 0,
    acknowledged: 0,
    unknown: 0,
    refused: 0,
    retries: 0,
    replays: 0,
    forks: 0,
    deletions: 0,
    reads: 0,
    kills: 0,
    starts: 0,
  };
  /** Deaths at named places. */
  readonly failpoints = new Map<string, number>();
  /** The latest things that killers did, for a failure's message. */
  readonly log: string[] = [];
  private readonly started = performance.now();

  constructor(readonly seed: number) {}

  violation(kind: Violation['kind'], detail: string): void {
    this.violations.push({ kind, detail });
  }

  note(text: string): void {
    this.log.push(`${((performance.now() - this.started) / 1000).toFixed(1)} s ${text}`);
  }

  get kinds(): Set<Violation['kind']> {
    return new Set(this.violations.map(({ kind }) => kind));
  }

  /** One line with all figures. */
  summary(): string {
    const counts = Object.entries(this.counts).map(([name, n]) => `${name} ${n}`);
    const places = [...this.failpoints].map(([name, n]) => `${name} ${n}`);
    return `seed ${this.seed}: ${counts.join(', ')}; deaths at ${places.join(', ') || 'no failpoint'}; violations ${this.violations.length}`;
  }

  /** What is needed to look into a failure: seed, violations, and what was killed when. */
  failure(): string {
    const violations = this.violations
      .slice(0, 20)
      .map(({ kind, detail }) => `  ${kind}: ${detail}`);
    return [
      this.summary(),
      `CRASH_SEED=${this.seed} repeats it`,
      ...violations,
      'latest deaths:',
      ...this.log.slice(-30).map((line) => `  ${line}`),
    ].join('\n');
  }
}
