// Where test files run. They and their helpers are loaded by jest, anew for each file; what they
// import of the sources and of large packages is loaded by Node, once for all files of a worker
// (`bridge.mjs`). jest alone would read, compile and link all of it in each file, 2 s of CPU for
// the server, and code in its realm is slowed down by each use of a global.
import { createRequire, register } from 'node:module';
import { TestEnvironment } from 'jest-environment-node';
import { endCircusStorages } from './circus-storage.mjs';

register('./hooks.mjs', import.meta.url);
const require = createRequire(import.meta.url);

/** What a fake clock takes the place of. */
const CLOCK = [
  ...['Date', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'],
  ...['setImmediate', 'clearImmediate'],
];

/** Of whom the sources ask whether something is an instance. */
const ERRORS = [
  ...['Error', 'AggregateError', 'EvalError', 'RangeError', 'ReferenceError', 'SyntaxError'],
  ...['TypeError', 'URIError'],
];

export default class NativeEnvironment extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    this.global.banyanImport = (url) => import(url);
    this.global.banyanRequire = (path) => require(path);
    for (const name of ERRORS) this.global[name] = globalThis[name];
    this.shareClock(config.projectConfig);
  }

  /** Before the sources are loaded, and when jest does not transform what Node loads any more. */
  async setup() {
    await super.setup();
    await import('./hash-once.mjs');
  }

  /** What is spied on of the sources is theirs again for the next file. */
  async teardown() {
    const { global: realm } = this;
    this.moduleMocker?.restoreAllMocks();
    endCircusStorages();
    await super.teardown();
    // Node never lets go of the modules of a realm, nor they of its globals: of those of jest's own
    // one has all tests of the file, with what they hold.
    for (const own of Object.getOwnPropertySymbols(realm)) delete realm[own];
  }

  /** The clock that a test fakes is that of the sources, and of the test. */
  shareClock(config) {
    const FakeTimers = this.fakeTimersModern.constructor;
    this.fakeTimersModern = new FakeTimers({ config, global: globalThis });
    for (const name of CLOCK)
      Object.defineProperty(this.global, name, {
        get: () => globalThis[name],
        configurable: true,
      });
  }
}
