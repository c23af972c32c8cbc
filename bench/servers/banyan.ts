import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { loadConfig } from '../../src/config/config.js';
import { ready } from './child.js';

// The compiled server as users run it (`main.ts`), on the database that the environment names.
setFlagsFromString('--no-allocation-site-pretenuring');
const config = loadConfig();
const { createApp } = await import('../../src/app.setup.js');
const app = await createApp(config as typeof config & { DATABASE_URL: string });
await app.listen(0, '127.0.0.1');
ready((app.getHttpServer().address() as AddressInfo).port);
