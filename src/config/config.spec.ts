import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { isAmong } from '../common/origins.js';
import { Config, ConfigError, loadConfig, settingNames } from './config.js';
import { environment } from './environment.js';
import { keptSecret } from './jwt-secret.js';
import { originsOf } from './origins.js';
import { SECRET_SETTINGS } from './secret-files.js';

const SECRET = 'tG3v0mDq_7yXk1Zs-uW9bN4eRfLhPaJc';
const DATABASE_URL = 'postgres://banyan@db/banyan';
const exampleFile = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8');

function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
}

describe('.env.example', () => {
  it('has every setting but the one for crash tests, and no other', () => {
    const written = Object.keys(parseEnv(exampleFile)).filter((name) => !name.startsWith('#'));
    expect(written.sort()).toEqual(
      settingNames()
        .filter((name) => name !== 'FAILPOINT')
        .sort(),
    );
  });

  it('shows the defaults', () => {
    const shown = loadConfig(parseEnv(exampleFile));
    expect({ ...shown }).toEqual({ ...loadConfig({}) });
  });

  it('says a sentence about each setting', () => {
    const lines = exampleFile.split('\n');
    const bare = lines.filter((line, i) => /^[A-Z]/.test(line) && !lines[i - 1]!.startsWith('# '));
    expect(bare).toEqual([]);
  });
});

describe('loadConfig', () => {
  it('takes defaults for what is not set, and an empty text counts as not set', () => {
    expect(loadConfig({ PORT: '', DATABASE_URL: '', CORS_ORIGINS: '' })).toMatchObject({
      PORT: 3000,
      CORS_ORIGINS: [],
      embedded: { postgres: false },
    });
    expect(loadConfig({}).DATABASE_URL).toBeUndefined();
    expect(loadConfig({})).toBeInstanceOf(Config);
  });

  it('turns texts into numbers and lists', () => {
    const config = loadConfig({
      PORT: '0',
      PASSWORD_BLOCKLIST: 'off',
      TRUST_PROXY: '10.0.0.0/8, ::1',
      CORS_ORIGINS: 'https://a.example,http://localhost:5173',
    });
    expect(config).toMatchObject({
      PORT: 0,
      PASSWORD_BLOCKLIST: false,
      TRUST_PROXY: ['10.0.0.0/8', '::1'],
    });
    expect(config.CORS_ORIGINS).toEqual(['https://a.example', 'http://localhost:5173']);
  });

  it('lets pages of this machine in where nothing is set and it listens here alone (U4)', () => {
    const REGISTRATION = 'open';
    const letsIn = (settings: object) =>
      isAmong('http://localhost:5173', originsOf(loadConfig({ REGISTRATION, ...settings })));
    expect([{}, { HOST: '::1' }, { HOST: 'localhost' }].map(letsIn)).toEqual([true, true, true]);
    expect([{ HOST: '0.0.0.0' }, { CORS_ORIGINS: 'https://a.example' }].map(letsIn)).toEqual([
      false,
      false,
    ]);
  });

  it('tells all faults at once, each with the name of its setting', () => {
    const faults = faultsOf({
      PORT: '70000',
      LOG_LEVEL: 'loud',
      DATABASE_URL: 'mysql://x',
      JWKS_URI: 'http://keys.example/jwks',
    });
    expect(faults.map((fault) => fault.split(' ')[0])).toEqual(
      expect.arrayContaining([
        'PORT',
        'LOG_LEVEL',
        'DATABASE_URL',
        'JWKS_URI',
        'JWKS_ISSUER',
        'JWKS_AUDIENCE',
      ]),
    );
    expect(faults).toHaveLength(6);
    expect(faults).toContain('PORT must be a whole number from 0 to 65535');
  });

  it.each([
    ['PORT', '80.5'],
    ['PORT', '-1'],
    ['PORT', '0x10'],
    ['PORT', '1e3'],
    ['RATE_LIMIT_PER_MINUTE', '-1'],
    ['PASSWORD_BLOCKLIST', 'yes'],
    ['TRUST_PROXY', '10.0.0.0/33'],
    ['TRUST_PROXY', 'true'],
    ['CORS_ORIGINS', 'https://a.example/'],
    ['CORS_ORIGINS', '*'],
    ['MONGODB_URI', 'localhost:27017'],
    ['REDIS_URL', 'http://localhost'],
    ['REDIS_URL', 'redis://h:99999'],
    ['REDIS_URL', 'redis://h:6379/first'],
    ['REDIS_URL', 'redis://user:50%@h'],
    ['HOST', 'http://localhost'],
  ])('refuses %s=%s', (name, value) => {
    expect(faultsOf({ [name]: value })).toEqual([
      expect.stringMatching(new RegExp(`^${name} must `)),
    ]);
  });

  it.each([
    'secret',
    'x'.repeat(64),
    'change-me-please-0123456789-abcdef',
    'your-256-bit-secret-your-256-bit-secret',
    'abababababababababababababababababababab',
  ])('refuses the secret %s, without repeating it', (secret) => {
    const faults = faultsOf({ JWT_SECRET: secret });
    expect(faults).toEqual([expect.stringContaining('JWT_SECRET must be at least 32 characters')]);
    expect(faults.join()).not.toContain(secret);
  });

  it('wants JWT_SECRET or JWKS_URI when PostgreSQL is not its own', () => {
    const jwks = {
      JWKS_URI: 'https://id.example/jwks',
      JWKS_ISSUER: 'https://id.example/',
      JWKS_AUDIENCE: 'banyan',
    };
    expect(faultsOf({ DATABASE_URL })).toEqual([
      expect.stringContaining('JWT_SECRET (or JWKS_URI) must be set'),
    ]);
    expect(faultsOf({ DATABASE_URL, JWT_SECRET: SECRET })).toEqual([]);
    expect(faultsOf({ DATABASE_URL, ...jwks })).toEqual([]);
    expect(faultsOf({})).toEqual([]);
  });

  it.each(['0.0.0.0', '::', '192.168.1.5', 'banyan.internal'])(
    'wants REGISTRATION where HOST (%s) lets other machines in',
    (HOST) => {
      expect(faultsOf({ HOST })).toEqual([expect.stringContaining('REGISTRATION must be set')]);
      expect(faultsOf({ HOST, REGISTRATION: 'open' })).toEqual([]);
      expect(faultsOf({ HOST, REGISTRATION: 'closed' })).toEqual([]);
    },
  );

  it.each(['127.0.0.1', '127.8.8.8', '::1', 'localhost'])(
    'does not want it at %s, where this machine alone gets in',
    (HOST) => {
      expect(faultsOf({ HOST })).toEqual([]);
    },
  );

  it.each(['open', 'invite', 'closed'])('takes REGISTRATION=%s, and no other', (REGISTRATION) => {
    expect(faultsOf({ REGISTRATION })).toEqual([]);
    expect(faultsOf({ REGISTRATION: `${REGISTRATION}!` })).toEqual([
      expect.stringMatching(/^REGISTRATION must be one of open, invite, closed/),
    ]);
  });

  it('knows failpoints under NODE_ENV=test alone', () => {
    expect(loadConfig({ FAILPOINT: 'append.before_commit' }).FAILPOINT).toBeUndefined();
    expect(loadConfig({ FAILPOINT: 'append.before_commit', NODE_ENV: 'test' }).FAILPOINT).toBe(
      'append.before_commit',
    );
    expect(faultsOf({ FAILPOINT: 'misspelt', NODE_ENV: 'test' })).toHaveLength(1);
  });
});

describe('in a folder', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'banyan-config-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('.env fills what the environment does not set', () => {
    writeFileSync(
      join(folder, '.env'),
      '# a remark\nPORT=4001\nBANYAN_SPEC_EMPTY=from the file\nPATH=nowhere\n',
    );
    process.env['BANYAN_SPEC_EMPTY'] = '';
    const env = environment(folder);
    delete process.env['BANYAN_SPEC_EMPTY'];
    expect(env).toMatchObject({
      PORT: '4001',
      PATH: process.env['PATH'],
      BANYAN_SPEC_EMPTY: 'from the file',
    });
  });

  it('a secret may stand in a file, with a line break behind it', () => {
    const file = join(folder, 'secret');
    writeFileSync(file, `${SECRET}\n`);
    expect(loadConfig({ DATABASE_URL, JWT_SECRET_FILE: file }).JWT_SECRET).toBe(SECRET);
    expect(faultsOf({ DATABASE_URL, JWT_SECRET: SECRET, JWT_SECRET_FILE: file })).toEqual([
      'JWT_SECRET_FILE must not be set together with JWT_SECRET: remove one of them',
    ]);
  });

  it.each(['missing', 'empty', '.'])(
    'a file of a secret that is %s is told by its setting, once',
    (name) => {
      writeFileSync(join(folder, 'empty'), '\n');
      const faults = faultsOf({ DATABASE_URL, JWT_SECRET_FILE: join(folder, name) });
      expect(faults).toEqual([
        expect.stringMatching(/^JWT_SECRET_FILE must be the path of a file that can be read/),
      ]);
    },
  );

  it('the example names every setting that may stand in a file', () => {
    expect(
      exampleFile
        .match(/\b[A-Z0-9_]+(?=_FILE\b)/g)!
        .filter((name) => name !== 'WEBHOOK_CA')
        .sort(),
    ).toEqual([...SECRET_SETTINGS].sort());
  });

  it('the secret is made once, kept, and readable by its owner alone', () => {
    const secret = keptSecret(folder);
    expect(Buffer.from(secret, 'base64url')).toHaveLength(32);
    expect(keptSecret(folder)).toBe(secret);
    expect(statSync(join(folder, 'jwt-secret')).mode & 0o777).toBe(0o600);
  });

  it('a secret file that was emptied is refused, not replaced', () => {
    writeFileSync(join(folder, 'jwt-secret'), '');
    expect(() => keptSecret(folder)).toThrow(/Remove it/);
  });
});

describe('the store of files', () => {
  const S3_ACCESS_KEY_ID = 'AKIDEXAMPLE';
  const S3_SECRET_ACCESS_KEY = 'wJalrXUtnFEMI';
  const keys = { S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY };

  it.each([
    ['postgres', { store: 'postgres' }],
    ['gridfs', { store: 'gridfs' }],
    ['s3://my-bucket', { bucket: 'my-bucket', prefix: '', region: 'us-east-1' }],
    ['s3://b.ucket/a/b/?region=eu-central-1', { prefix: 'a/b/', region: 'eu-central-1' }],
    [
      's3://bucket/a?endpoint=http://minio:9000',
      { prefix: 'a/', endpoint: 'http://minio:9000', region: 'us-east-1' },
    ],
  ])('may be %s', (FILE_STORE, place) => {
    expect(loadConfig({ FILE_STORE, ...(FILE_STORE.startsWith('s3') && keys) }).FILE_STORE).toEqual(
      expect.objectContaining(place),
    );
  });

  it.each([
    's3',
    's3://',
    's3://B',
    's3://user:pass@bucket',
    's3://bucket?secret=x',
    's3://bucket?endpoint=minio:9000',
    's3://bucket?endpoint=http://u:p@minio',
    's3://bucket/a b',
    's3://bucket#x',
    'http://bucket',
  ])('may not be %s, which is not repeated', (FILE_STORE) => {
    const faults = faultsOf({ FILE_STORE, ...keys });
    expect(faults).toEqual([expect.stringMatching(/^FILE_STORE must be postgres, gridfs, or s3:/)]);
    expect(faults[0]).not.toContain(`${FILE_STORE} `);
  });

  it.each([
    [{ FILE_STORE: 's3://bucket', S3_ACCESS_KEY_ID }, /^S3_SECRET_ACCESS_KEY must be set together/],
    [{ FILE_STORE: 's3://bucket', S3_SECRET_ACCESS_KEY }, /^S3_ACCESS_KEY_ID must be set together/],
    [keys, /^FILE_STORE must be s3:/],
    [
      { FILE_STORE: 's3://bucket?endpoint=http://minio:9000' },
      /^S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY must be set/,
    ],
    [{ FILE_STORE_BEFORE: 'postgres' }, /^FILE_STORE_BEFORE must be an S3 store/],
    [
      { FILE_STORE: 's3://bucket', FILE_STORE_BEFORE: 's3://bucket', ...keys },
      /^FILE_STORE_BEFORE must be an S3 store/,
    ],
    [{ FILE_STORE: 'gridfs', DATABASE_URL, JWT_SECRET: SECRET }, /^FILE_STORE must not be gridfs/],
  ])('is refused half told, with the mend and without the secret: %j', (env, fault) => {
    const faults = faultsOf(env as Record<string, string>);
    expect(faults).toEqual([expect.stringMatching(fault)]);
    expect(faults.join()).not.toContain(S3_SECRET_ACCESS_KEY);
  });
});
