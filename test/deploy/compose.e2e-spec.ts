import { execFile, execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Ajv } from 'ajv';
import { loadConfig } from '../../src/config/config.js';
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../src/database/embedded-postgres.js';
import { createDatabase, mongoUriFor, withClient } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { Proxy } from '../support/proxy.js';
import { ServerProcess } from '../support/server-process.js';
import { freePort } from '../support/stores.mjs';
import { checkOf, composeFile, composeText, inFolder, readYaml, type Service } from './compose.js';
import { RedisOfCompose } from './redis-of-compose.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
/** The published schema, out of the package of a linter: it has no package of its own. */
const SCHEMA = 'node_modules/dclint/schemas/compose.schema.json';
const { services, volumes } = composeFile();

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'banyan-compose-'));
  chmodSync(folder, 0o755); // PostgreSQL runs as another user
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs the service `secrets` as it stands, in a folder of its own. */
function makeSecrets(
  name: string,
  env: Record<string, string> = {},
): { dir: string; read: (file: string) => string } {
  const dir = join(folder, name);
  mkdirSync(dir, { recursive: true });
  const { entrypoint, command, environment } = composeFile(env).services.secrets;
  const [file, ...args] = inFolder([...entrypoint!, ...command!], dir);
  execFileSync(file, args, {
    env: { PATH: process.env.PATH!, ...(environment as Record<string, string>) },
  });
  return { dir, read: (secret) => readFileSync(join(dir, secret), 'utf8').trim() };
}

describe('docker-compose.yml', () => {
  it('is what the Compose specification says that such a file is', () => {
    const { $schema: _, ...schema } = JSON.parse(
      readFileSync(join(ROOT, SCHEMA), 'utf8'),
    ) as Record<string, unknown>;
    const ajv = new Ajv({ strict: false, validateFormats: false });
    expect(ajv.validate(schema, readYaml(composeText)) || ajv.errors).toBe(true);
    expect(
      ajv.validate(
        schema,
        readYaml(composeText.replace('condition: service_healthy', 'condition: healthy')),
      ),
    ).toBe(false);
  });

  it('needs nothing prepared: no file, no variable, no published port but that of the server on this machine', () => {
    expect(() => composeFile({})).not.toThrow();
    expect(readYaml(composeText)).toMatchObject({
      services: { api: { env_file: [{ path: '.env', required: false }] } },
    });
    expect(composeText.match(/^ +ports:.*$/gm)).toEqual([
      "    ports: ['127.0.0.1:${PORT:-3000}:3000']",
    ]);
  });

  it('starts nobody before what he needs is there', () => {
    const waits = Object.entries(services).map(([name, { depends_on = {} }]) => [
      name,
      Object.entries(depends_on).map(([on, { condition }]) => `${on} ${condition}`),
    ]);
    expect(Object.fromEntries(waits)).toEqual({
      api: [
        'migrate service_completed_successfully',
        'mongo service_healthy',
        'redis service_healthy',
      ],
      migrate: ['postgres service_healthy'],
      postgres: ['secrets service_completed_successfully'],
      mongo: ['secrets service_completed_successfully'],
      redis: ['secrets service_completed_successfully'],
      secrets: [],
    });
  });

  it('shows the secrets to the services alone, and lets none of them change one', () => {
    const mounts = Object.values(services).flatMap((service: Service) =>
      service.volumes!.filter((volume) => volume.startsWith('secrets:')),
    );
    expect(mounts.filter((mount) => !mount.endsWith(':ro'))).toEqual(['secrets:/run/banyan']);
    expect(mounts).toHaveLength(Object.keys(services).length);
    expect(Object.keys(volumes)).toContain('secrets');
  });

  it('runs what the Dockerfile makes: the same programs, on the same port', () => {
    expect(dockerfile).toContain('CMD ["node", "dist/server/main.mjs"]');
    expect(services.migrate.command).toEqual(['node', 'dist/server/migrate.mjs']);
    expect(dockerfile).toMatch(/^EXPOSE 3000$/m);
    expect(services.api.environment).toMatchObject({ HOST: '0.0.0.0', PORT: 3000 });
  });
});

describe('the secrets', () => {
  it('are made once: each of 256 bits, whole, and the same ever after', () => {
    const { dir, read } = makeSecrets('once');
    const names = ['jwt_secret', 'postgres_password', 'mongo_password', 'redis_password'];
    const first = names.map(read);
    expect(first).toEqual(names.map(() => expect.stringMatching(/^[0-9a-f]{64}$/)));
    expect(new Set(first).size).toBe(names.length);
    expect(readdirSync(dir).filter((file) => file.endsWith('.new'))).toEqual([]);
    makeSecrets('once');
    expect(names.map(read)).toEqual(first);
  });

  it('one that stands in .env is taken, for data that was made with it', () => {
    makeSecrets('given');
    const { read } = makeSecrets('given', { POSTGRES_PASSWORD: 'ofTheOldDatabase1' });
    expect(read('postgres_password')).toBe('ofTheOldDatabase1');
    expect(read('database_url')).toBe('postgres://banyan:ofTheOldDatabase1@postgres:5432/banyan');
  });

  it('are settings of the server as it is started, and of the migration', () => {
    const { dir } = makeSecrets('settings');
    const environmentOf = ({ environment = {} }: Service): Record<string, string> =>
      Object.fromEntries(
        Object.entries(environment).map(([name, value]) => [
          name,
          inFolder([String(value)], dir)[0],
        ]),
      );
    expect(loadConfig(environmentOf(services.api))).toMatchObject({
      DATABASE_URL: expect.stringMatching(/^postgres:\/\/banyan:\w{64}@postgres:5432\/banyan$/),
      MONGODB_URI: expect.stringMatching(
        /^mongodb:\/\/banyan:\w{64}@mongo:27017\/banyan\?authSource=admin&retryWrites=false$/,
      ),
      REDIS_URL: expect.stringMatching(/^redis:\/\/:\w{64}@redis:6379$/),
      JWT_SECRET: expect.stringMatching(/^\w{64}$/),
    });
    expect(environmentOf(services.migrate)).toEqual({
      DATABASE_URL_FILE: join(dir, 'database_url'),
    });
  });
});

describe('the services, on servers of this machine', () => {
  let secrets: ReturnType<typeof makeSecrets>;
  let postgres: EmbeddedPostgres;
  let proxy: Proxy;
  let redis: RedisOfCompose | null;

  beforeAll(async () => {
    secrets = makeSecrets('run');
    const hba = join(folder, 'pg_hba.conf');
    writeFileSync(hba, 'local all postgres trust\nlocal all all scram-sha-256\n');
    postgres = await startEmbeddedPostgres({
      dataDir: join(folder, 'data'),
      settings: { fsync: 'off', hba_file: hba },
    });
    proxy = await Proxy.to({
      path: join(new URL(postgres.url).searchParams.get('host')!, '.s.PGSQL.5432'),
    });
    // What the image does with the password in its file.
    await withClient(postgres.url, async (client) => {
      await client.query(
        `CREATE ROLE banyan LOGIN PASSWORD '${secrets.read('postgres_password')}'`,
      );
      await client.query('ALTER DATABASE banyan OWNER TO banyan');
    });
    redis = await RedisOfCompose.start(services.redis, secrets.dir, folder);
    point('database_url', 'postgres:5432', `127.0.0.1:${proxy.port}`);
    if (redis) point('redis_url', 'redis:6379', `127.0.0.1:${redis.port}`);
    // The server of the tests knows no passwords: the name of the database is all that is taken
    // from here.
    const mongo = process.env.TEST_MONGODB_URI ? mongoUriFor(await createDatabase()) : '';
    writeFileSync(join(secrets.dir, 'mongodb_uri'), mongo);
  });
  afterAll(async () => {
    redis?.stop();
    proxy.close();
    await postgres.stop();
  });

  /** The names of services are known in the network of Compose alone. */
  function point(file: string, from: string, to: string): void {
    const text = secrets.read(file);
    expect(text).toContain(`@${from}`);
    writeFileSync(join(secrets.dir, file), text.replace(`@${from}`, `@${to}`));
  }

  const run = (
    [file, ...args]: readonly string[],
    env: Record<string, string>,
  ): Promise<{ status: number; stdout: string }> =>
    new Promise((resolve) => {
      execFile(
        file!,
        args,
        { cwd: ROOT, env: { PATH: process.env.PATH!, ...env } },
        (error, stdout) => {
          resolve({ status: error ? Number(error.code) : 0, stdout });
        },
      );
    });

  const hasPgIsReady = spawnSync('pg_isready', ['--version']).status === 0;

  (hasPgIsReady ? it : it.skip)(
    'the health check of PostgreSQL says whether it takes connections by TCP',
    async () => {
      const check = checkOf(services.postgres);
      expect((await run(check, { PGPORT: String(proxy.port) })).status).toBe(0);
      expect((await run(check, { PGPORT: String(await freePort()) })).status).not.toBe(0);
    },
  );

  it('Redis lets in whoever has the password and nobody else, and its health check knows', () => {
    if (!redis) return void expect(process.env.TEST_REDIS_SERVER).toBeUndefined();
    expect(redis.cli(['ping'])).toContain('NOAUTH');
    expect(redis.check(checkOf(services.redis), secrets.dir)).toBe(0);
    expect(redis.check(checkOf(services.redis), makeSecrets('others').dir)).not.toBe(0);
  });

  it('the migration runs with the file of its address alone, twice', async () => {
    const env = { DATABASE_URL_FILE: join(secrets.dir, 'database_url') };
    const first = await run(services.migrate.command!, env);
    const second = await run(services.migrate.command!, env);
    expect(first).toMatchObject({ status: 0, stdout: expect.stringContaining('migrated: ') });
    expect(second).toMatchObject({ status: 0, stdout: 'nothing to migrate\n' });
  });

  it('the server starts with the environment of its service, is healthy by the check of the image, and does its main job', async () => {
    const given = Object.entries(services.api.environment!).map(([name, value]) => [
      name,
      inFolder([String(value)], secrets.dir)[0],
    ]);
    const absent = {
      ...(!process.env.TEST_MONGODB_URI && { MONGODB_URI_FILE: '' }),
      ...(!redis && { REDIS_URL_FILE: '' }),
    };
    const env = {
      ...Object.fromEntries(given),
      ...absent,
      HOST: '127.0.0.1',
      PORT: '0',
      RATE_LIMIT_AUTH_PER_MINUTE: '0',
    };
    const server = await ServerProcess.ready({ cwd: folder, env });
    try {
      const [, words] = /HEALTHCHECK[^[]*CMD (\[.*\])/.exec(dockerfile)!;
      const check = JSON.parse(words!) as string[];
      expect((await run(check, { PORT: new URL(server.url).port })).status).toBe(0);
      expect((await run(check, { PORT: String(await freePort()) })).status).not.toBe(0);
      const ann = await TestClient.register(server.url);
      const { id, pairs } = await ann.aChat(2);
      const branch = await ann.aBranch(id, pairs[0]!);
      await ann.append(branch, 'And in winter?', 'Northern lights.');
      expect((await ann.get(`/chats/${branch}`)).body.content.qa_pairs).toHaveLength(2);
    } finally {
      expect(await server.stop()).toBe(0);
    }
  });
});
