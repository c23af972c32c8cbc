import { fileURLToPath } from 'node:url';
import type { Client, FieldDef, Submittable } from 'pg';
import ts from 'typescript';
import { ConstantReader, placeOf } from './constant-reader.js';

/** A statement that a place in the sources sends. */
export interface SentStatement {
  /** Where it is sent. */
  place: string;
  /** Null where it is sent as text alone. */
  name: string | null;
  text: string;
  /** How many values are sent with it, where that can be counted. */
  values: number | null;
  /** The row that is declared: null where nobody reads one. */
  row: ts.Type | null;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const WAYS = [
  'Database',
  'EntityManager',
  'DataSource',
  'QueryRunner',
  'Pool',
  'Client',
  'PoolClient',
  'StoreClient',
];
/** These hand on what others send. */
const HANDED_ON = ['src/database/database.ts', 'src/database/store-client.ts'];

/** All that is sent to PostgreSQL by hand, found in the sources of the server. */
export class Statements {
  readonly sent: SentStatement[] = [];
  /** Places whose statement cannot be said without running them. */
  readonly unread: string[] = [];
  readonly checker: ts.TypeChecker;
  private readonly reader: ConstantReader;

  constructor() {
    const { config } = ts.readConfigFile(`${ROOT}tsconfig.json`, ts.sys.readFile) as {
      config: { compilerOptions: object };
    };
    const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, ROOT);
    const names = ts.sys
      .readDirectory(`${ROOT}src`, ['.ts'])
      .filter((name) => !name.endsWith('.spec.ts'));
    const program = ts.createProgram(names, options);
    const files = names.map((name) => program.getSourceFile(name)!);
    this.checker = program.getTypeChecker();
    this.reader = new ConstantReader(program, files);
    for (const file of files)
      if (!HANDED_ON.some((name) => file.fileName.endsWith(name))) this.visit(file);
  }

  private visit(node: ts.Node): void {
    if (ts.isCallExpression(node) && this.isSent(node)) this.take(node);
    ts.forEachChild(node, (child) => this.visit(child));
  }

  private isSent(node: ts.CallExpression): boolean {
    if (!ts.isPropertyAccessExpression(node.expression) || node.expression.name.text !== 'query')
      return false;
    const type = this.checker.getTypeAtLocation(node.expression.expression);
    return WAYS.includes(type.getSymbol()?.name ?? '');
  }

  private take(node: ts.CallExpression): void {
    const place = placeOf(node);
    const [first, second] = node.arguments;
    try {
      for (const value of this.reader.valuesOf(
        ts.isSpreadElement(first!) ? first.expression : first!,
      )) {
        // Nothing is sent where there is no statement.
        if (value === undefined) continue;
        const { name = null, text } = toStatement(value);
        if (this.sent.some((one) => one.place === place && one.text === text)) continue;
        this.sent.push({
          place,
          name,
          text,
          values: countOf(first!, second),
          row: this.rowOf(node),
        });
      }
    } catch (error) {
      this.unread.push(`${place}: ${(error as Error).message}`);
    }
  }

  /**
   * What `query` is said to answer: rows, or (`UPDATE` and `DELETE` by TypeORM) rows and how many
   * there were.
   */
  private rowOf(node: ts.CallExpression): ts.Type | null {
    let type = this.checker.getAwaitedType(castOf(this.checker, node))!;
    for (let depth = 0; depth < 2; depth++) {
      const [inner] =
        this.checker.isArrayType(type) || this.checker.isTupleType(type)
          ? this.checker.getTypeArguments(type as ts.TypeReference)
          : [];
      if (inner) type = inner;
    }
    return type.getProperties().length > 0 &&
      !(type.flags & ts.TypeFlags.Any) &&
      !this.checker.isArrayType(type)
      ? type
      : null;
  }
}

const toStatement = (value: unknown): { name?: string; text: string } =>
  typeof value === 'string' ? { text: value } : (value as { name: string; text: string });

const countOf = (first: ts.Expression, values: ts.Expression | undefined): number | null => {
  if (!values) return ts.isSpreadElement(first) ? null : 0;
  return ts.isArrayLiteralExpression(values) && !values.elements.some(ts.isSpreadElement)
    ? values.elements.length
    : null;
};

/** What PostgreSQL says of a statement without running it. */
export interface Described {
  parameters: number;
  /** Names of types, by column. */
  columns: Record<string, string>;
}

/** Parses a statement as the driver does for a prepared one, and asks what it takes and gives. */
export class Describer {
  private types = new Map<number, string>();

  constructor(private readonly client: Client) {}

  async learn(): Promise<void> {
    const { rows } = await this.client.query<{ oid: number; name: string }>(
      'SELECT oid::int, format_type(oid, NULL) AS name FROM pg_type',
    );
    this.types = new Map(rows.map(({ oid, name }) => [oid, name]));
  }

  /** @throws what PostgreSQL says against it */
  async describe(text: string): Promise<Described> {
    const [parameters, fields] = await new Promise<[number, readonly FieldDef[]]>(
      (resolve, reject) => {
        let found = 0;
        let columns: readonly FieldDef[] = [];
        let fault: Error | null = null;
        const { connection } = this.client as unknown as { connection: Wire };
        connection.once(
          'parameterDescription',
          (told: { parameterCount: number }) => (found = told.parameterCount),
        );
        this.client.query({
          submit: () => {
            connection.parse({ text, name: '', types: [] });
            connection.describe({ type: 'S', name: '' });
            connection.sync();
          },
          handleRowDescription: (told: { fields: FieldDef[] }) => (columns = told.fields),
          handleError: (error: Error) => (fault = error),
          handleReadyForQuery: () => (fault ? reject(fault) : resolve([found, columns])),
        } as unknown as Submittable);
      },
    );
    const columns = Object.fromEntries(
      fields.map(({ name, dataTypeID }) => [name, this.types.get(dataTypeID)!]),
    );
    return { parameters, columns };
  }
}

interface Wire {
  once(event: 'parameterDescription', heard: (told: { parameterCount: number }) => void): void;
  parse(statement: { text: string; name: string; types: number[] }): void;
  describe(what: { type: 'S'; name: string }): void;
  sync(): void;
}

/** What the driver makes of a column of a type. */
const MADE: Readonly<Record<string, string>> = {
  ...{ uuid: 'string', text: 'string', name: 'string', bigint: 'string', numeric: 'string' },
  ...{ integer: 'number', smallint: 'number', 'double precision': 'number', real: 'number' },
  ...{ boolean: 'boolean', bytea: 'Buffer', json: 'json', jsonb: 'json' },
};
const madeOf = (type: string): string =>
  (type.startsWith('timestamp') ? 'Date' : (MADE[type.replace('[]', '')] ?? type)) +
  (type.endsWith('[]') ? '[]' : '');

/** Why rows of these columns are not of that type; empty where they are. */
export function faultsOfRow(
  checker: ts.TypeChecker,
  row: ts.Type,
  columns: Readonly<Record<string, string>>,
): string[] {
  const fields = row.getProperties();
  // What not each of the statements gives.
  const optional = new Set(
    fields.filter((field) => field.flags & ts.SymbolFlags.Optional).map((field) => field.name),
  );
  const declared = new Map(fields.map((field) => [field.name, checker.getTypeOfSymbol(field)]));
  const unsaid = Object.keys(columns).filter((name) => !declared.has(name));
  return [
    ...unsaid.map((name) => `${name} is not declared`),
    ...[...declared].flatMap(([name, type]) => {
      const column = columns[name];
      if (!column) return optional.has(name) ? [] : [`${name} is declared, and no column`];
      const said = checker.typeToString(type);
      return isMade(checker, type, madeOf(column))
        ? []
        : [`${name} is ${column}, declared as ${said}`];
    }),
  ];
}

function isMade(checker: ts.TypeChecker, type: ts.Type, made: string): boolean {
  const bare = checker.getNonNullableType(type);
  if (bare.flags & ts.TypeFlags.Never) return true; // `null` alone
  const types = bare.isUnion() ? bare.types : [bare];
  if (made.endsWith('[]')) {
    const elements = types.map((one) =>
      isList(checker, one) ? checker.getTypeArguments(one as ts.TypeReference)[0] : undefined,
    );
    return elements.every((one) => one !== undefined && isMade(checker, one, made.slice(0, -2)));
  }
  if (made === 'json') return true;
  const ofFlags: Record<string, ts.TypeFlags> = {
    string: ts.TypeFlags.StringLike,
    number: ts.TypeFlags.NumberLike,
    boolean: ts.TypeFlags.BooleanLike,
  };
  const flags = ofFlags[made];
  return types.every((one) =>
    flags === undefined ? one.getSymbol()?.name === made : (one.flags & flags) !== 0,
  );
}

const isList = (checker: ts.TypeChecker, type: ts.Type): boolean =>
  checker.isArrayType(type) || type.getSymbol()?.name === 'ArrayLike';

/** The type of a call, or the one that it is said to be of: `(await tx.query(…)) as Row[]`. */
function castOf(checker: ts.TypeChecker, node: ts.Expression): ts.Type {
  let outer: ts.Node = node.parent;
  while (ts.isAwaitExpression(outer) || ts.isParenthesizedExpression(outer)) outer = outer.parent;
  return checker.getTypeAtLocation(ts.isAsExpression(outer) ? outer : node);
}
