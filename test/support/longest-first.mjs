// The order of the files. Those that take half a minute or more begin first, or one of them would
// be left running alone at the end. jest knows how long files took only where it has run before,
// and goes by their size where it has not.
import { createRequire } from 'node:module';

const { default: Sequencer } = createRequire(import.meta.resolve('jest'))('@jest/test-sequencer');

const LONGEST = [
  ...['e2e/lock-order', 'crash/crash', 'crash/answers', 'e2e/body-budget', 'e2e/plans'],
  ...['crash/transfer', 'e2e/openapi-valid', 'e2e/maintenance', 'e2e/webhook-instances'],
  ...['e2e/realtime-outages', 'e2e/fsck-restored', 'e2e/fsck-files', 'crash/webhooks'],
  ...['e2e/webhooks', 'e2e/files-memory', 'e2e/fsck', 'e2e/page', 'e2e/openapi'],
  ...['crash/redaction', 'e2e/realtime-limits', 'e2e/imports', 'crash/realtime', 'e2e/start'],
  ...['contract/content-store', 'e2e/stores-away', 'e2e/answers-in-turn'],
];
const rankOf = ({ path }) => {
  const rank = LONGEST.findIndex((name) => path.endsWith(`/test/${name}.e2e-spec.ts`));
  return rank < 0 ? LONGEST.length : rank;
};

export default class LongestFirst extends Sequencer {
  sort(tests) {
    return super.sort(tests).sort((one, other) => rankOf(one) - rankOf(other));
  }
}
