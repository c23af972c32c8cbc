import { ModelError } from './language-model.js';
import { brokenConnection, noAnswer, refusal, unreachable } from './provider-faults.js';

/** An error answer is read to know its kind; no more of it than this. */
const ERROR_BYTES_MAX = 64 * 1024;
/** A provider that says so much without saying anything is not speaking our language. */
const SILENT_BYTES_MAX = 1024 * 1024;

/** What came in since the last thing that could be understood. */
export class Gate {
  private bytes = 0;

  pass(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes > SILENT_BYTES_MAX) throw noAnswer();
  }

  understood(): void {
    this.bytes = 0;
  }
}

/**
 * The way to a provider: `fetch` that follows no redirects, so that keys and chats go to the
 * configured address alone, and that fails with a
 * `ModelError` of ours for all that can go wrong on the way.
 */
export function providerFetch(gate: Gate): typeof fetch {
  return async (url, init) => {
    const answer = await fetch(url, { ...init, redirect: 'manual' }).catch((error: unknown) => {
      throw init?.signal?.aborted ? error : unreachable(error);
    });
    if (!answer.ok) throw refusal(answer.status, await beginningOf(answer));
    if (!answer.body) throw brokenConnection();
    return new Response(ReadableStream.from(guarded(answer.body, gate)), {
      status: answer.status,
      headers: answer.headers,
    });
  };
}

async function* guarded(body: AsyncIterable<Uint8Array>, gate: Gate): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body) {
      gate.pass(chunk.length);
      yield chunk;
    }
  } catch (error) {
    throw error instanceof ModelError ? error : brokenConnection();
  }
}

async function beginningOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body ?? []) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > ERROR_BYTES_MAX) break;
    }
  } catch {
    // The status says enough.
  }
  return Buffer.concat(chunks).toString();
}
