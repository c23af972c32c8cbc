import { type Answer, Line, requestOf } from './load.js';
import type { Stage } from './stage.js';

/** Somebody who uses Banyan with one connection, one call at a time. */
export class Person {
  private constructor(
    private readonly line: Line,
    private readonly token: string,
  ) {}

  static async of({ banyan, token }: Stage): Promise<Person> {
    return new Person(await Line.open(banyan.port), token);
  }

  async call(method: 'GET' | 'POST', path: string, body?: object): Promise<Answer> {
    const content = body && { body: JSON.stringify(body) };
    const answer = await this.line.send(
      requestOf(method, `/api/v1${path}`, { token: this.token, ...content }),
    );
    if (answer.status < 200 || answer.status > 299)
      throw new Error(`${method} ${path} answered\n${answer.head}\n\n${answer.text}`);
    return answer;
  }

  /** Appends a pair; answers its id. */
  async append(chatId: string, pair: object): Promise<string> {
    return (await this.call('POST', `/chats/${chatId}/messages`, pair)).json.response_id;
  }

  /** Branches behind a pair; answers the branch. */
  async branch(chatId: string, responseId: string): Promise<string> {
    return (await this.call('POST', `/chats/${chatId}/branches`, { response_id: responseId })).json
      .chat_id;
  }

  /**
   * A chain of branches on the newest pair of a chat, each with one pair of its own; answers the
   * last.
   */
  async chain(chatId: string, levels: number, pair: object): Promise<string> {
    let [at, head] = [chatId, await this.append(chatId, pair)];
    for (let level = 1; level <= levels; level++) {
      at = await this.branch(at, head);
      head = await this.append(at, pair);
    }
    return at;
  }

  close(): void {
    this.line.close();
  }
}
