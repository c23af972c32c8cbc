import { within } from './deadline.js';

/**
 * The one order in which a server stops. Each stage begins when the one before it has ended or has
 * taken its time; what is closed at the same stage is closed side by side.
 */
export const STAGES = [
  // `/readyz` says `draining`, and whoever asks is told to close the connection; then the delay.
  'notice',
  // No connection is taken any more.
  'door',
  // Sockets and event streams are sent elsewhere.
  'streams',
  // Answers that are being written end, or are interrupted when the drain time is over.
  'answers',
  // Running requests end, or are cut off.
  'requests',
  // Loops, which follow what requests have done.
  'loops',
  // What goes on for longer than a request: housekeeping, imports, the thread that counts tokens.
  'jobs',
  // What was gathered meanwhile is written, and other instances are told.
  'publish',
  // What all of those use.
  'redis',
  'mongo',
  'postgres',
] as const;

export type ShutdownStage = (typeof STAGES)[number];

/** What is set for the stop of a server. */
export class ShutdownTimes {
  constructor(
    /** How long it serves on after it has said that it stops. */
    readonly delayMs: number,
    /** What answers and running requests have together to end. */
    readonly drainMs: number,
  ) {}
}

/**
 * What a stage may take, in milliseconds, besides the delay and the drain time: what hangs is left
 * behind then, as it would be by a crash.
 */
export const LIMIT_MS: Readonly<Record<ShutdownStage, number>> = {
  ...{ notice: 500, door: 500, streams: 1500, answers: 2000, requests: 1000 },
  ...{ loops: 4000, jobs: 3000, publish: 1000, redis: 500, mongo: 1000, postgres: 1000 },
};

/** @param drainMs what is left of the drain time */
export type Close = (drainMs: number) => unknown;

interface ClosingStep {
  stage: ShutdownStage;
  /** For the log. */
  what: string;
  close: Close;
}

/** Closes what was registered, in the order of the stages, once. */
export class Shutdown {
  private readonly closings: ClosingStep[] = [];
  private running: Promise<void> | undefined;

  /** @param tell is told what could not be closed, and why */
  constructor(
    private readonly times: ShutdownTimes,
    private readonly tell: (failure: { stage: ShutdownStage; what: string; cause: string }) => void,
  ) {}

  /** In whatever order: the stage says when it is its turn. */
  at(stage: ShutdownStage, what: string, close: Close): void {
    this.closings.push({ stage, what, close });
  }

  /** Never throws: what fails or hangs is told, and the rest is closed all the same. */
  run(): Promise<void> {
    return (this.running ??= this.closeAll());
  }

  private async closeAll(): Promise<void> {
    const drainedAtMs = performance.now() + this.times.delayMs + this.times.drainMs;
    for (const stage of STAGES) {
      const drainMs = Math.max(0, drainedAtMs - performance.now());
      const limitMs = LIMIT_MS[stage] + this.extraMs(stage, drainMs);
      await Promise.all(
        this.closings
          .filter((closing) => closing.stage === stage)
          .map((closing) => this.close(closing, drainMs, limitMs)),
      );
    }
  }

  private extraMs(stage: ShutdownStage, drainMs: number): number {
    if (stage === 'notice') return this.times.delayMs;
    return stage === 'answers' || stage === 'requests' ? drainMs : 0;
  }

  private async close({ stage, what, close }: ClosingStep, drainMs: number, limitMs: number) {
    const late = (): Error => new Error(`it took longer than ${Math.ceil(limitMs)} ms`);
    try {
      await within(limitMs, (async () => close(drainMs))(), late);
    } catch (error) {
      this.tell({ stage, what, cause: error instanceof Error ? error.message : String(error) });
    }
  }
}
