import ts from 'typescript';

/** What the parameters are of the functions that are being read. */
type Scope = ReadonlyMap<ts.Node, () => unknown>;

type Call = ts.CallExpression | ts.NewExpression;

/** What has several values, as the sources say it; whoever reads looks at each of them. */
class Choice extends Error {
  constructor(
    readonly of: ts.Node,
    readonly options: readonly unknown[],
  ) {
    super(`one of ${options.length}`);
  }
}

/** One of those who call. */
class Caller extends Choice {}

const DEEP = 60;
const WORLDS_MAX = 200;

/**
 * Says what an expression of the sources is worth without running the server: constants, templates,
 * objects, and calls of functions that only make something of their arguments. What depends on a
 * setting (a type of a few literals), on a condition or on who calls is read once for each case.
 */
export class ConstantReader {
  private readonly checker: ts.TypeChecker;
  /** Calls by the name of what is called: of which declaration it is costs a check of types. */
  private readonly calls = new Map<string, Call[]>();
  private world: ReadonlyMap<ts.Node, unknown> = new Map();
  private depth = 0;

  constructor(program: ts.Program, files: readonly ts.SourceFile[]) {
    this.checker = program.getTypeChecker();
    for (const file of files) this.index(file);
  }

  /** All that it can be. @throws Error with the place of what cannot be read */
  valuesOf(node: ts.Expression): unknown[] {
    const found: unknown[] = [];
    const todo: ReadonlyMap<ts.Node, unknown>[] = [new Map()];
    for (let world = todo.pop(); world; world = todo.pop()) {
      if (todo.length > WORLDS_MAX) throw new Error('too many cases');
      this.world = world;
      this.depth = 0;
      try {
        found.push(plain(this.read(node, new Map())));
      } catch (error) {
        if (!(error instanceof Choice)) throw error;
        for (const option of error.options) todo.push(new Map(world).set(error.of, option));
      }
    }
    return found;
  }

  private index(node: ts.Node): void {
    if (ts.isCallExpression(node) || ts.isNewExpression(node)) {
      const name = calledName(node);
      this.calls.set(name, [...(this.calls.get(name) ?? []), node]);
    }
    ts.forEachChild(node, (child) => this.index(child));
  }

  private callersOf(called: ts.SignatureDeclaration): Call[] {
    return (this.calls.get(nameOf(called)) ?? []).filter(
      (call) => this.checker.getResolvedSignature(call)?.declaration === called,
    );
  }

  private choose(of: ts.Node, options: readonly unknown[], kind = Choice): unknown {
    if (options.length === 0) throw new Error(`nothing is known of ${placeOf(of)}`);
    if (options.length === 1) return options[0];
    if (!this.world.has(of)) throw new kind(of, options);
    return this.world.get(of);
  }

  private read(node: ts.Expression, scope: Scope): unknown {
    const literal = literalOf(node);
    if (literal !== undefined) return literal;
    const inner = innerOf(node);
    return inner
      ? this.read(inner, scope)
      : (this.made(node, scope) ?? this.calculated(node, scope));
  }

  /** Templates, lists, objects and functions. */
  private made(node: ts.Expression, scope: Scope): unknown {
    if (ts.isTemplateExpression(node)) {
      return (
        node.head.text +
        node.templateSpans
          .map((span) => `${this.read(span.expression, scope)}${span.literal.text}`)
          .join('')
      );
    }
    if (ts.isArrayLiteralExpression(node)) return this.array(node.elements, scope);
    if (ts.isObjectLiteralExpression(node)) return this.object(node, scope);
    return ts.isArrowFunction(node) || ts.isFunctionExpression(node)
      ? this.function(node, scope)
      : undefined;
  }

  private calculated(node: ts.Expression, scope: Scope): unknown {
    if (ts.isConditionalExpression(node))
      return this.read(this.isTrue(node.condition, scope) ? node.whenTrue : node.whenFalse, scope);
    if (ts.isBinaryExpression(node)) return this.binary(node, scope);
    if (ts.isCallExpression(node)) return this.call(node, scope);
    if (ts.isNewExpression(node)) {
      const made = this.read(node.expression, scope) as new (...all: unknown[]) => unknown;
      return new made(...this.array(node.arguments ?? [], scope));
    }
    if (ts.isElementAccessExpression(node)) {
      return (this.read(node.expression, scope) as Record<string, unknown>)[
        String(this.read(node.argumentExpression, scope))
      ];
    }
    if (ts.isPropertyAccessExpression(node) || ts.isIdentifier(node))
      return this.named(node, scope);
    throw new Error(`cannot read ${placeOf(node)}`);
  }

  /**
   * With elements that are read when they are asked for: what stands beside them need not be
   * readable.
   */
  private array(elements: readonly ts.Expression[], scope: Scope): unknown[] {
    const made: unknown[] = [];
    for (const one of elements) {
      if (ts.isSpreadElement(one)) made.push(...(this.read(one.expression, scope) as unknown[]));
      else
        Object.defineProperty(made, made.length, {
          get: () => this.read(one, scope),
          enumerable: true,
          configurable: true,
        });
    }
    return made;
  }

  /** As `array`. */
  private object(node: ts.ObjectLiteralExpression, scope: Scope): object {
    const made = {};
    for (const field of node.properties) {
      if (ts.isSpreadAssignment(field)) {
        Object.defineProperties(
          made,
          Object.getOwnPropertyDescriptors(this.read(field.expression, scope)),
        );
        continue;
      }
      const value = ts.isPropertyAssignment(field)
        ? field.initializer
        : ts.isShorthandPropertyAssignment(field)
          ? field.name
          : null;
      if (!value) throw new Error(`cannot read ${placeOf(field)}`);
      const key = ts.isComputedPropertyName(field.name!)
        ? String(this.read(field.name.expression, scope))
        : field.name!.getText();
      const get = (): unknown => this.read(value, scope);
      Object.defineProperty(made, key.replace(/^'(.*)'$/, '$1'), {
        get,
        enumerable: true,
        configurable: true,
      });
    }
    return made;
  }

  private function(
    node: ts.FunctionLikeDeclaration,
    scope: Scope,
  ): (...args: unknown[]) => unknown {
    return (...args) => this.run(node, scope, args);
  }

  private run(node: ts.FunctionLikeDeclaration, scope: Scope, args: unknown[]): unknown {
    const inner = new Map(scope);
    node.parameters.forEach((parameter, at) => {
      // Read when it is asked for, as above.
      const given = (): unknown =>
        args[at] ?? (parameter.initializer ? this.read(parameter.initializer, scope) : args[at]);
      inner.set(parameter, given);
    });
    if (!node.body) throw new Error(`no body: ${placeOf(node)}`);
    return ts.isBlock(node.body)
      ? this.returned(node.body, inner)
      : this.read(node.body as ts.Expression, inner);
  }

  private returned(block: ts.Block, scope: Scope): unknown {
    for (const line of block.statements) {
      if (ts.isReturnStatement(line)) return line.expression && this.read(line.expression, scope);
      if (ts.isIfStatement(line)) {
        const way = this.isTrue(line.expression, scope) ? line.thenStatement : line.elseStatement;
        if (way && ts.isReturnStatement(way))
          return way.expression && this.read(way.expression, scope);
        if (way) throw new Error(`cannot read ${placeOf(way)}`);
      } else if (!ts.isVariableStatement(line)) throw new Error(`cannot read ${placeOf(line)}`);
    }
    return undefined;
  }

  /**
   * Where a condition cannot be read, both ways are gone; also where it is for the callers to say,
   * as there may be hundreds of ways to come here.
   */
  private isTrue(node: ts.Expression, scope: Scope): boolean {
    try {
      return Boolean(this.read(node, scope));
    } catch (error) {
      if (error instanceof Choice && !(error instanceof Caller)) throw error;
      return this.choose(node, [true, false]) as boolean;
    }
  }

  private binary(node: ts.BinaryExpression, scope: Scope): unknown {
    const left = (): unknown => this.read(node.left, scope);
    const right = (): unknown => this.read(node.right, scope);
    switch (node.operatorToken.kind) {
      case ts.SyntaxKind.PlusToken:
        return (left() as string) + (right() as string);
      case ts.SyntaxKind.MinusToken:
        return (left() as number) - (right() as number);
      case ts.SyntaxKind.AsteriskToken:
        return (left() as number) * (right() as number);
      case ts.SyntaxKind.SlashToken:
        return (left() as number) / (right() as number);
      case ts.SyntaxKind.EqualsEqualsEqualsToken:
        return left() === right();
      case ts.SyntaxKind.ExclamationEqualsEqualsToken:
        return left() !== right();
      case ts.SyntaxKind.QuestionQuestionToken:
        return left() ?? right();
      default:
        throw new Error(`cannot read ${placeOf(node)}`);
    }
  }

  private call(node: ts.CallExpression, scope: Scope): unknown {
    if (this.depth > DEEP) throw new Error(`without an end: ${placeOf(node)}`);
    const args = this.array(node.arguments, scope);
    this.depth++;
    try {
      if (ts.isPropertyAccessExpression(node.expression)) {
        const method = this.checker.getSymbolAtLocation(node.expression.name)?.valueDeclaration;
        if (method && ts.isMethodDeclaration(method)) return this.run(method, new Map(), args);
        const self = this.read(node.expression.expression, scope) as Record<
          string,
          (...all: unknown[]) => unknown
        >;
        return self[node.expression.name.text]!(...args);
      }
      // Without asking for all that it is given, as JavaScript would.
      const called = this.checker.getResolvedSignature(node)?.declaration;
      if (called && isAtTop(called)) return this.run(called, new Map(), args);
      return (this.read(node.expression, scope) as (...all: unknown[]) => unknown)(...args);
    } finally {
      this.depth--;
    }
  }

  /** A name, or a field of something. */
  private named(node: ts.Identifier | ts.PropertyAccessExpression, scope: Scope): unknown {
    const declared = this.declarationOf(node);
    if (declared && scope.has(declared)) return scope.get(declared)!();
    if (declared && ts.isBindingElement(declared) && scope.has(wholeOf(declared)))
      return this.part(declared, scope);
    const literals = this.literalsOf(node);
    const isOfClass = declared !== undefined && ts.isPropertyDeclaration(declared);
    if (ts.isPropertyAccessExpression(node) && !literals && !isOfClass) {
      return (this.read(node.expression, scope) as Record<string, unknown>)[node.name.text];
    }
    if (!declared) throw new Error(`cannot read ${placeOf(node)}`);
    return this.declared(declared, scope, literals);
  }

  private declarationOf(
    node: ts.Identifier | ts.PropertyAccessExpression,
  ): ts.Declaration | undefined {
    const symbol = ts.isShorthandPropertyAssignment(node.parent)
      ? this.checker.getShorthandAssignmentValueSymbol(node.parent)
      : this.checker.getSymbolAtLocation(ts.isIdentifier(node) ? node : node.name);
    const original =
      symbol && symbol.flags & ts.SymbolFlags.Alias
        ? this.checker.getAliasedSymbol(symbol)
        : symbol;
    return original?.valueDeclaration ?? original?.declarations?.[0];
  }

  private declared(node: ts.Declaration, scope: Scope, literals: unknown[] | null): unknown {
    if (node.getSourceFile().isDeclarationFile) {
      return (globalThis as Record<string, unknown>)[(node as ts.NamedDeclaration).name!.getText()];
    }
    if (ts.isFunctionDeclaration(node)) return this.function(node, new Map());
    if ((ts.isVariableDeclaration(node) || ts.isPropertyDeclaration(node)) && node.initializer)
      return this.read(node.initializer, scope);
    if (literals) return this.choose(node, literals);
    const loop = node.parent.parent;
    if (ts.isForOfStatement(loop))
      return this.choose(node, this.read(loop.expression, new Map()) as unknown[]);
    if (ts.isBindingElement(node)) return this.part(node, scope);
    if (ts.isPropertyDeclaration(node)) return this.read(assignedTo(node), new Map());
    if (ts.isParameter(node)) return this.given(node);
    throw new Error(`cannot read ${placeOf(node)}`);
  }

  /** `{ name }` or `[, name]` of a parameter or variable, or of a part of it. */
  private part(node: ts.BindingElement, scope: Scope): unknown {
    const around = node.parent.parent;
    const value = ts.isBindingElement(around)
      ? this.part(around, scope)
      : (scope.get(around)?.() ?? this.declared(around, scope, null));
    const key = ts.isArrayBindingPattern(node.parent)
      ? node.parent.elements.indexOf(node)
      : (node.propertyName ?? node.name).getText();
    return (
      (value as Record<string, unknown>)[key] ??
      (node.initializer && this.read(node.initializer, scope))
    );
  }

  /** What the callers give. */
  private given(parameter: ts.ParameterDeclaration): unknown {
    if (this.depth > DEEP) throw new Error(`without an end: ${placeOf(parameter)}`);
    const elements = this.elementsFor(parameter);
    if (elements) return this.choose(parameter, elements);
    const at = parameter.parent.parameters.indexOf(parameter);
    const ways = this.callersOf(parameter.parent).map(
      (call) => call.arguments?.[at] ?? parameter.initializer,
    );
    const way = this.choose(
      parameter,
      [...new Set(ways)].filter((one) => one !== undefined),
      Caller,
    ) as ts.Expression;
    this.depth++;
    const value = this.read(way, new Map());
    this.depth--;
    return value;
  }

  /** What a list gives to `list.map((parameter) => …)`. */
  private elementsFor({ parent }: ts.ParameterDeclaration): unknown[] | null {
    const call = parent.parent;
    if (
      !ts.isArrowFunction(parent) ||
      !ts.isCallExpression(call) ||
      !ts.isPropertyAccessExpression(call.expression)
    )
      return null;
    let list = call.expression.expression;
    while (
      ts.isCallExpression(list) &&
      ts.isPropertyAccessExpression(list.expression) &&
      list.expression.name.text === 'filter'
    ) {
      list = list.expression.expression;
    }
    return /^(flatM|m)ap$/.test(call.expression.name.text)
      ? (this.read(list, new Map()) as unknown[])
      : null;
  }

  private literalsOf(node: ts.Expression): unknown[] | null {
    const type = this.checker.getTypeAtLocation(node);
    if (type.flags & ts.TypeFlags.Boolean) return [true, false];
    const types = type.isUnion() ? type.types : [type];
    return types.every((one) => one.isStringLiteral())
      ? types.map((one) => (one as ts.StringLiteralType).value)
      : null;
  }
}

function literalOf(node: ts.Expression): unknown {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isNumericLiteral(node)) return Number(node.text.replaceAll('_', ''));
  if (ts.isRegularExpressionLiteral(node))
    return new RegExp(node.text.replace(/^\/|\/\w*$/g, ''), /\w*$/.exec(node.text)![0]);
  if (node.kind === ts.SyntaxKind.TrueKeyword) return true;
  if (node.kind === ts.SyntaxKind.FalseKeyword) return false;
  return node.kind === ts.SyntaxKind.NullKeyword ? null : undefined;
}

/** Classes are called by the names of others that extend them. */
const CONSTRUCTORS = 'new';

function calledName(call: Call): string {
  const { expression } = call;
  if (ts.isNewExpression(call) || expression.kind === ts.SyntaxKind.SuperKeyword)
    return CONSTRUCTORS;
  if (ts.isPropertyAccessExpression(expression)) return expression.name.text;
  return ts.isIdentifier(expression) ? expression.text : '';
}

/** The name by which it is called, where it has one: its own, or of what it is the value of. */
function nameOf(called: ts.SignatureDeclaration): string {
  if (ts.isConstructorDeclaration(called)) return CONSTRUCTORS;
  return (called.name ?? (called.parent as ts.NamedDeclaration).name)?.getText() ?? '';
}

/** Of what says something about a type alone, or holds things together. */
const innerOf = (node: ts.Expression): ts.Expression | null =>
  ts.isAsExpression(node) ||
  ts.isSatisfiesExpression(node) ||
  ts.isNonNullExpression(node) ||
  ts.isParenthesizedExpression(node)
    ? node.expression
    : null;

/** A function that knows nothing but its arguments and constants. */
const isAtTop = (node: ts.Node): node is ts.FunctionDeclaration | ts.ArrowFunction =>
  ts.isFunctionDeclaration(node) ||
  (ts.isArrowFunction(node) && ts.isSourceFile(node.parent.parent?.parent?.parent));

/** The parameter or variable that a part is of. */
function wholeOf({ parent: { parent } }: ts.BindingElement): ts.Node {
  return ts.isBindingElement(parent) ? wholeOf(parent) : parent;
}

/** Where the constructor sets it. */
function assignedTo(property: ts.PropertyDeclaration): ts.Expression {
  let found: ts.Expression | undefined;
  const visit = (node: ts.Node): void => {
    const isSet =
      ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.EqualsToken;
    if (isSet && node.left.getText() === `this.${property.name.getText()}`) found = node.right;
    ts.forEachChild(node, visit);
  };
  property.parent.members.filter(ts.isConstructorDeclaration).forEach(visit);
  if (!found) throw new Error(`not set: ${placeOf(property)}`);
  return found;
}

/** A statement, or the first of a list, as it is in this world. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return plain(value[0]);
  return value !== null && typeof value === 'object' && 'text' in value
    ? { ...(value as object) }
    : value;
}

export function placeOf(node: ts.Node): string {
  const file = node.getSourceFile();
  const { line } = file.getLineAndCharacterOfPosition(node.getStart());
  return `${file.fileName.replace(/^.*\/(src|test)\//, '$1/')}:${line + 1} ${node.getText().replace(/\s+/g, ' ').slice(0, 80)}`;
}
