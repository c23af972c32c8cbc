import {
  createDatabase,
  type Mode,
  mongoUriFor,
  SETTINGS,
  startTestApp,
  type TestApp,
} from './app.js';

/** A server that is spoken to by HTTP, and its database. */
export type SharedServer = Omit<TestApp, 'app'>;

interface SharedServers {
  canShare(): boolean;
  sharedServer(
    name: string,
    settings: () => Promise<{ databaseUrl: string; env: Record<string, string> }>,
  ): Promise<Omit<SharedServer, 'close'>>;
}

declare const banyanImport: (url: string) => Promise<unknown>;
const SERVERS = new URL('./native/shared-servers.mjs', import.meta.url).href;

/**
 * The built server, as a process of its own, that all files of a worker share; for those that only
 * speak HTTP, with accounts of their own, and look at rows of these alone. Where `dist` is older
 * than the sources, a server of this file's own, in this process.
 */
export async function sharedServer(mode: Mode = 'postgres'): Promise<SharedServer> {
  const servers = (await banyanImport(SERVERS)) as SharedServers;
  if (!servers.canShare()) return startTestApp(mode);
  const server = await servers.sharedServer(mode, async () => {
    const databaseUrl = await createDatabase();
    const mongo: Record<string, string> =
      mode === 'mongo' ? { MONGODB_URI: mongoUriFor(databaseUrl) } : {};
    return { databaseUrl, env: { ...SETTINGS, DATABASE_URL: databaseUrl, ...mongo } };
  });
  return { ...server, close: () => Promise.resolve() };
}
