import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { loadConfig } from '../../src/config/config.js';
import { ready } from './child.js';

// The server as users run it (`main.ts`), from the bundle, on the database of the environment.
setFlagsFromString('--no-allocation-site-pretenuring');
const config = loadConfig();
const bundle = new URL('../../server/app.setup.mjs', import.meta.url).href;
const { createApp } = (await import(bundle)) as typeof import('../../src/app.setup.js');
const app = await createApp(config as typeof config & { DATABASE_URL: string });
await app.listen(0, '127.0.0.1');
ready((app.getHttpServer().address() as AddressInfo).port);
