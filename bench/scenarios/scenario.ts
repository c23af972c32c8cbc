import type { Bed } from '../bed.js';
import type { Options } from '../options.js';
import type { Finding } from '../report.js';
import type { Stage } from '../stage.js';

/** Tells how far it is. */
export type Say = (line: string) => void;

export interface Play {
  stage: Stage;
  bed: Bed;
  options: Options;
  say: Say;
}

/** Something that is measured; it answers one or more of the rows of docs/performance.md. */
export interface Scenario {
  ids: readonly string[];
  play: (play: Play) => Promise<Finding>;
}
