import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';

/**
 * Writes the figures of a jest run, what failed in it and what was left out, to the file that
 * scripts/test.mjs names.
 */
export default class SummaryReporter {
  onRunComplete(_contexts, results) {
    const summary = {
      passed: results.numPassedTests,
      // A file that could not be loaded has no failed test, but it is a failure.
      failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
      skipped: results.numPendingTests + results.numTodoTests,
      failures: results.testResults
        .filter(({ failureMessage }) => failureMessage)
        .map(({ testFilePath, failureMessage }) =>
          [relative(process.cwd(), testFilePath), failureMessage.trim()].join('\n'),
        ),
      leftOut: globalThis.banyanTestRun?.leftOut ?? [],
    };
    if (process.env.BANYAN_TEST_SUMMARY)
      writeFileSync(process.env.BANYAN_TEST_SUMMARY, JSON.stringify(summary));
  }
}
