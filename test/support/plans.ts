import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ClientBase, Pool } from 'pg';
import ts from 'typescript';

/** What a plan did, in counts that are the same on every machine. */
export interface Cost {
  /** Rows that were read and thrown away by filters. */
  removed: number;
  /** Pages of files that were touched. */
  buffers: number;
  plan: string;
}

interface Sent {
  /** Of a prepared statement; made up of its text where it has none. */
  name: string;
  text: string;
  values: unknown[];
}

interface Node extends Record<string, unknown> {
  Plans?: Node[];
}

type Send = (config: string | Sent) => Promise<{ rows: Record<string, any>[] }>;

/**
 * Calls of one statement that are looked at, for each side: the first ones, which have other values
 * each.
 */
const LOOKS_MAX = 3;
const REMOVED = [
  'Rows Removed by Filter',
  'Rows Removed by Join Filter',
  'Rows Removed by Index Recheck',
];
/**
 * The two plans that PostgreSQL has for a prepared statement: one for all values, which the server
 * asks for, and one for these. Left to itself it runs one of the two, whichever seems cheaper.
 */
const PLANS = ['force_generic_plan', 'force_custom_plan'];

/**
 * Stands between a server and PostgreSQL: each statement that is sent is first run once on the
 * same connection, which prepares it with the server's own settings, and its plans are read; then
 * all that is undone, and the statement goes its way.
 */
export class PlanReader {
  /**
   * Costs by the name of the statement and by what was named to `reading`: the dearest of all that
   * were seen.
   */
  readonly costs = new Map<string, Map<string, Cost>>();
  private readonly looks = new Map<string, number>();
  private side: string | null = null;
  private undo: () => void = () => undefined;

  /** Reads the plans of what is sent while `work` runs. */
  async reading<Result>(side: string, work: () => Promise<Result>): Promise<Result> {
    this.side = side;
    try {
      return await work();
    } finally {
      this.side = null;
    }
  }

  attach(pool: Pool): void {
    const prototype = (pool as unknown as { Client: { prototype: ClientBase } }).Client
      .prototype as { query: (...all: any[]) => any };
    const { query } = prototype;
    const look = (client: unknown, sent: Sent): Promise<void> =>
      this.look((config) => query.call(client, patient(config)), sent);
    const wants = (sent: Sent | null): sent is Sent => sent !== null && this.wants(sent);
    prototype.query = function (...all: any[]) {
      const sent = sentOf(all[0], all[1]);
      if (!wants(sent)) return query.apply(this, all);
      const callback = typeof all.at(-1) === 'function' ? all.pop() : undefined;
      const answer = look(this, sent).then(() => query.apply(this, all));
      if (!callback) return answer;
      void answer.then((result: unknown) => callback(null, result), callback);
    };
    this.undo = () => (prototype.query = query);
  }

  detach(): void {
    this.undo();
  }

  private wants({ name }: Sent): boolean {
    if (this.side === null) return false;
    const key = `${this.side} ${name}`;
    const looks = this.looks.get(key) ?? 0;
    this.looks.set(key, looks + 1);
    return looks < LOOKS_MAX;
  }

  private async look(send: Send, sent: Sent): Promise<void> {
    const side = this.side!;
    const isInside = await send('SAVEPOINT look').then(
      () => true,
      () => false,
    );
    if (!isInside) await send('BEGIN; SAVEPOINT look');
    // What is counted is the same however long it takes.
    await send('SET LOCAL statement_timeout = 0');
    for (const plan of PLANS) {
      await send(`SAVEPOINT plan; SET LOCAL plan_cache_mode = ${plan}`);
      this.note(side, sent.name, await this.costOf(send, sent));
      await send('ROLLBACK TO plan');
    }
    await send(isInside ? 'ROLLBACK TO look; RELEASE look' : 'ROLLBACK');
  }

  private async costOf(send: Send, sent: Sent): Promise<Cost> {
    try {
      if (!(await isPrepared(send, sent))) {
        await send('SAVEPOINT run');
        await send(sent);
        await send('ROLLBACK TO run');
      }
      const literals: string[] = [];
      for (const value of sent.values)
        literals.push(literal(isVectors(value) ? await textOf(send, value) : value));
      const values = literals.length > 0 ? `(${literals.join(', ')})` : '';
      const call = `EXECUTE "${sent.name}" ${values}`;
      const { rows } = await send(`EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) ${call}`);
      const { Plan: plan } = rows[0]!['QUERY PLAN'][0];
      const nodes = nodesOf(plan as Node);
      return {
        removed: sum(nodes.map(removedBy)),
        buffers: Math.max(...nodes.map(buffersOf)),
        plan: told(plan as Node),
      };
    } catch (error) {
      return {
        removed: Infinity,
        buffers: Infinity,
        plan: `${(error as Error).message}\n${sent.text}`,
      };
    }
  }

  private note(side: string, name: string, cost: Cost): void {
    const known = this.costs.get(name) ?? new Map<string, Cost>();
    this.costs.set(name, known);
    const before = known.get(side);
    if (!before || cost.removed + cost.buffers > before.removed + before.buffers)
      known.set(side, cost);
  }
}

async function isPrepared(send: Send, { name }: Sent): Promise<boolean> {
  const { rows } = await send({
    name: 'plans.is_prepared',
    text: 'SELECT FROM pg_prepared_statements WHERE name = $1',
    values: [name],
  });
  return rows.length > 0;
}

/** What is counted is the same however long it takes. */
const PATIENCE_MS = 60_000;
const patient = (config: string | Sent): object => ({
  ...(typeof config === 'string' ? { text: config } : config),
  query_timeout: PATIENCE_MS,
});

/** Null for what has no plan, and for locks of a session, which no rollback gives back. */
function sentOf(config: unknown, given: unknown): Sent | null {
  const { name, text, values } = (
    typeof config === 'string' ? { text: config } : config
  ) as Partial<Sent>;
  if (
    !text ||
    !/^\s*(WITH|SELECT|INSERT|UPDATE|DELETE)\b/i.test(text) ||
    /advisory_(un)?lock\b/.test(text)
  )
    return null;
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 8);
  const made = `${text.replace(/\s+/g, ' ').trim().replaceAll('"', '').slice(0, 50)} ${hash}`;
  return { name: name ?? made, text, values: values ?? (Array.isArray(given) ? given : []) };
}

/** How `pg` writes a value: it has no types of its own. */
const { prepareValue } = createRequire(import.meta.url)('pg/lib/utils.js') as {
  prepareValue: (value: unknown) => unknown;
};

/** A `tsvector[]` in binary form, which no literal has. */
const isVectors = (value: unknown): value is Buffer =>
  Buffer.isBuffer(value) && value.length >= 12 && value.readInt32BE(8) === 3614;

async function textOf(send: Send, vectors: Buffer): Promise<string> {
  const text = 'SELECT $1::tsvector[]::text AS text';
  const { rows } = await send({ name: 'plans.vectors', text, values: [vectors] });
  return rows[0]!['text'] as string;
}

function literal(value: unknown): string {
  const prepared = prepareValue(value);
  if (prepared === null || prepared === undefined) return 'NULL';
  const text = Buffer.isBuffer(prepared) ? `\\x${prepared.toString('hex')}` : String(prepared);
  return `'${text.replaceAll("'", "''")}'`;
}

const nodesOf = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];
const sum = (numbers: number[]): number => numbers.reduce((a, b) => a + b, 0);
const removedBy = (node: Node): number =>
  sum(REMOVED.map((key) => Number(node[key] ?? 0))) * Number(node['Actual Loops'] ?? 1);
/** Those of its children are in it; those of statements within the statement stand apart. */
const buffersOf = (node: Node): number =>
  Number(node['Shared Hit Blocks'] ?? 0) + Number(node['Shared Read Blocks'] ?? 0);

/** A plan in short lines. */
const told = (node: Node, indent = ''): string => {
  const facts = [
    'Node Type',
    'Index Name',
    'Relation Name',
    'Actual Rows',
    'Actual Loops',
    'Shared Hit Blocks',
    'Index Cond',
    'Join Filter',
  ];
  const line = [...facts, ...REMOVED]
    .flatMap((fact) => (node[fact] ? [`${fact} ${String(node[fact])}`] : []))
    .join(', ');
  return [
    `${indent}${line}`,
    ...(node.Plans ?? []).map((inner) => told(inner, `${indent}  `)),
  ].join('\n');
};

const SOURCES = fileURLToPath(new URL('../../src', import.meta.url));

/**
 * The names of all prepared statements in the sources of the server, as patterns: `path.${kind}` is
 * `path.` and something. `fsck` is no server.
 */
export function namedStatements(): Map<string, RegExp> {
  const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' });
  const found = files
    .filter((file) => /(?<!\.spec)\.ts$/.test(file) && !file.startsWith('fsck'))
    .flatMap(namesIn);
  return new Map(
    found.map((name) => [
      name,
      new RegExp(
        `^${name
          .split(/\$\{.*?\}/)
          .map(escaped)
          .join('.+')}$`,
      ),
    ]),
  );
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

function namesIn(file: string): string[] {
  const source = ts.createSourceFile(
    file,
    readFileSync(join(SOURCES, file), 'utf8'),
    ts.ScriptTarget.ES2022,
    true,
  );
  const names: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isObjectLiteralExpression(node)) {
      const isStatement = node.properties.some((field) => field.name?.getText() === 'text');
      const name = node.properties
        .filter(ts.isPropertyAssignment)
        .find((field) => field.name.getText() === 'name');
      // Without a value of its own (`{ name, text }`) it is somebody else's statement that is
      // handed on.
      if (isStatement && name) names.push(name.initializer.getText().slice(1, -1));
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return names;
}
