import { ConsoleLogger, type LogLevel } from '@nestjs/common';

/** The levels of the settings, weightiest first, by Nest's names; `silent` is none of them. */
const LEVELS: readonly (readonly [string, LogLevel])[] = [
  ['fatal', 'fatal'],
  ['error', 'error'],
  ['warn', 'warn'],
  ['info', 'log'],
  ['debug', 'debug'],
  ['trace', 'verbose'],
];
/**
 * What Nest tells of its own start: a hundred lines that only help those who change the modules.
 */
const ABOUT_THE_START = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
]);

/**
 * One JSON object a line: `time` (ISO 8601), `level`, `context`, `message` (a fixed sentence) and
 * the fields that were given with it. Never words of people, tokens or passwords.
 */
export class ServerLogger extends ConsoleLogger {
  private readonly chatty: boolean;

  constructor(leastLevel: string) {
    const least = LEVELS.findIndex(([name]) => name === leastLevel);
    super({
      json: true,
      colors: false,
      logLevels: LEVELS.slice(0, least + 1).map(([, level]) => level),
    });
    this.chatty = leastLevel === 'trace' || leastLevel === 'debug';
  }

  override log(message: unknown, ...rest: unknown[]): void {
    if (this.chatty || !ABOUT_THE_START.has(String(rest.at(-1)))) super.log(message, ...rest);
  }

  protected override getJsonLogObject(
    message: unknown,
    options: Parameters<ConsoleLogger['getJsonLogObject']>[1],
  ): never {
    const {
      timestamp: _timestamp,
      message: _message,
      level,
      ...rest
    } = super.getJsonLogObject(message, options);
    const fields = typeof message === 'object' && message !== null ? message : { message };
    const name = LEVELS.find(([, nest]) => nest === level)?.[0] ?? level;
    return { time: new Date().toISOString(), level: name, ...rest, ...fields } as never;
  }
}
