import type { AddressInfo } from 'node:net';
import { createApp } from '../../src/app.setup.js';
import { loadConfig } from '../../src/config/config.js';
import { ready } from './child.js';

// The compiled server as users run it, on the database that the environment names.
const config = loadConfig();
const app = await createApp(config as typeof config & { DATABASE_URL: string });
await app.listen(0, '127.0.0.1');
ready((app.getHttpServer().address() as AddressInfo).port);
