// The order of the files. Those that take a minute or more begin first, or one of them would be
// left running alone at the end. jest knows how long files took only where it has run before, and
// goes by their size where it has not.
import { createRequire } from 'node:module';

const { default: Sequencer } = createRequire(import.meta.resolve('jest'))('@jest/test-sequencer');

const LONGEST = [
  ...['e2e/lock-order', 'e2e/body-budget', 'crash/crash', 'crash/answers', 'e2e/plans'],
  ...['e2e/openapi-valid', 'e2e/fsck', 'e2e/realtime-outages', 'crash/realtime', 'e2e/statements'],
  ...['e2e/maintenance', 'e2e/webhook-instances', 'contract/content-store', 'crash/webhooks'],
  ...['e2e/page', 'e2e/start', 'e2e/demo', 'e2e/concurrency', 'e2e/session-sockets'],
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
