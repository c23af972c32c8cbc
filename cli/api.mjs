// The public API of a server, with errors that a person can do something about.

/** What ends the command, and with which code. */
export class Failure extends Error {
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

export class Api {
  constructor({ server, token }) {
    this.base = server.replace(/\/+$/, '');
    this.token = token;
  }

  /** The answer as JSON. */
  async json(method, path, init) {
    return (await this.fetch(method, path, init)).json();
  }

  /** @throws Failure for whatever is no good answer */
  async fetch(method, path, { body, headers, ...init } = {}) {
    if (!this.token)
      throw new Failure(
        'say who you are: --token or BANYAN_TOKEN (an API key, or an access token)',
        4,
      );
    const answer = await fetch(`${this.base}/api/v1${path}`, {
      method,
      body,
      headers: { authorization: `Bearer ${this.token}`, ...headers },
      ...init,
    }).catch((error) => {
      const why = error.cause?.code ?? error.cause?.message ?? error.message;
      throw new Failure(`${this.base} does not answer (${why}): is it started? banyan start`, 3);
    });
    if (answer.ok) return answer;
    const problem = await answer.json().catch(() => ({}));
    throw new Failure(
      problem.detail ?? problem.title ?? `${this.base} answered ${answer.status}`,
      answer.status === 401 ? 4 : 1,
    );
  }
}
