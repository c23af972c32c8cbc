import { createDatabase, type Mode, mongoUriFor, SETTINGS } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { History } from './history.js';
import { Instance } from './instance.js';
import { killInstances } from './killer.js';
import { Random } from './random.js';
import { verifyDrained, verifyFsck, verifyPaths, verifyReplays } from './verify.js';
import { type World, Writer } from './writer.js';
import { freePort } from '../support/stores.mjs';

export interface Scenario {
  mode: Mode;
  /** The script that is run as the server. */
  script: string;
  branches: boolean;
  /** Whether the tables are there; else the instances make them, both at once. */
  migrated: boolean;
  failpoints: readonly string[];
  seconds: number;
  seed: number;
}

const INSTANCES = 2;
const WRITERS = 8;
const ROOTS = 5;

/**
 * Two instances on one pair of databases, eight writers, and a killer; afterwards everything is
 * compared with what was answered.
 */
export async function runScenario(scenario: Scenario): Promise<History> {
  const history = new History(scenario.seed);
  const random = new Random(scenario.seed);
  const databaseUrl = await createDatabase({ migrated: scenario.migrated });
  const stores: Record<string, string> = {
    DATABASE_URL: databaseUrl,
    ...(scenario.mode === 'mongo' && { MONGODB_URI: mongoUriFor(databaseUrl) }),
  };
  // A short retention, so that the journal's rows live their whole life within the run.
  const env = {
    ...SETTINGS,
    ...stores,
    LOG_LEVEL: 'warn',
    JOURNAL_RETENTION_SECONDS: '1',
    DATABASE_POOL_SIZE: '6',
  };
  const instances: Instance[] = [];
  for (let n = 0; n < INSTANCES; n++)
    instances.push(
      new Instance({ script: scenario.script, env }, `instance ${n}`, await freePort()),
    );
  try {
    await Promise.all(instances.map((instance) => instance.start()));
    const world = await aWorld(instances, scenario, history);
    await writeAndKill(world, instances, scenario, random);
    if (scenario.mode === 'mongo') await verifyDrained(history, databaseUrl);
    await verifyFsck(history, stores);
    await verifyPaths(world);
    await verifyReplays(world);
    if (history.violations.length > 0)
      for (const { name, lines } of instances)
        history.note(`${name} said: ${lines.slice(-5).join(' | ')}`);
    return history;
  } finally {
    await Promise.all(instances.map((instance) => instance.kill()));
  }
}

async function aWorld(
  instances: readonly Instance[],
  { branches }: Scenario,
  history: History,
): Promise<World> {
  const person = await TestClient.register(instances[0]!.url);
  const chats: string[] = [];
  for (let n = 0; n < ROOTS; n++) chats.push((await person.aChat()).id);
  return { people: instances.map(({ url }) => person.at(url)), chats, branches, history };
}

async function writeAndKill(
  world: World,
  instances: readonly Instance[],
  { failpoints, seconds }: Scenario,
  random: Random,
): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  const killing = { over: false };
  const writers = Array.from(
    { length: WRITERS },
    (_, n) => new Writer(`k${n}`, world, random.fork()),
  );
  const writing = Promise.all(writers.map((writer) => writer.run(() => killing.over)));
  try {
    const isOver = (): boolean => Date.now() > deadline;
    await killInstances({
      instances,
      failpoints,
      history: world.history,
      random: random.fork(),
      isOver,
    });
  } finally {
    killing.over = true;
    await writing;
  }
}
