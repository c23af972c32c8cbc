// jest-circus makes an AsyncLocalStorage for each file of tests and never ends it. Node calls each
// of them for each promise that is made: after forty files that was an eighth of what a worker did,
// and a worker runs a hundred. And whatever was begun in a test keeps its test, with its servers.
// Here they are known, and end with their file.
import { createRequire } from 'node:module';

const hooks = createRequire(import.meta.url)('node:async_hooks');
const { AsyncLocalStorage } = hooks;
const open = new Set();

/** What is handed on from promise to promise is a key, which after the end leads nowhere. */
class Ending extends AsyncLocalStorage {
  stores = new WeakMap();

  run(store, callback, ...args) {
    const key = {};
    this.stores.set(key, store);
    return super.run(key, callback, ...args);
  }

  getStore() {
    return this.stores.get(super.getStore());
  }

  end() {
    this.disable();
    this.stores = new WeakMap();
  }
}

/** Called by `new` of whoever asks for the class by `require`. */
hooks.AsyncLocalStorage = function (options) {
  if (!/[\\/]jest-circus[\\/]/.test(new Error('made').stack))
    return Reflect.construct(AsyncLocalStorage, [options], new.target);
  const storage = new Ending();
  open.add(storage);
  return storage;
};
Object.setPrototypeOf(hooks.AsyncLocalStorage, AsyncLocalStorage);
hooks.AsyncLocalStorage.prototype = AsyncLocalStorage.prototype;

/** Those of the files that were run so far. */
export function endCircusStorages() {
  for (const storage of open) storage.end();
  open.clear();
}
