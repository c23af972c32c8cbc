import { brokenConnection, refusal, unreachable } from './provider-faults.js';
import type { ProviderWire } from './provider-wire.js';

/** An error answer is read to know its kind; no more of it than this. */
const ERROR_BYTES_MAX = 64 * 1024;

/**
 * The way to a provider: `fetch` that follows no redirects, so that keys and chats go to the
 * configured address alone, and that fails with a `ModelError` of ours for all that can go wrong
 * before the answer begins; what goes wrong in it is told by the wire.
 */
export function providerFetch(wire: ProviderWire): typeof fetch {
  return async (url, init) => {
    const answer = await fetch(url, { ...init, redirect: 'manual' }).catch((error: unknown) => {
      throw init?.signal?.aborted ? error : unreachable(error);
    });
    if (!answer.ok) throw refusal(answer.status, await beginningOf(answer));
    if (!answer.body) throw brokenConnection();
    return new Response(ReadableStream.from(wire.read(answer.body)), {
      status: answer.status,
      headers: answer.headers,
    });
  };
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
