// What is tried with each client, and how a client's script tells of it: one line of JSON for each
// flow, on its output.

export const FLOWS = [
  ...['plain', 'stream', 'many turns', 'tools', 'structured', 'picture'],
  ...['file', 'branch', 'session', 'error', 'resume', 'cancel'],
];

export const BASE = process.env.BANYAN_URL;
export const TOKEN = process.env.BANYAN_TOKEN;
/** A picture of one dot. */
export const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=';
export const TEXT_FILE = Buffer.from('Trees have leaves.').toString('base64');
/** What `provider.mjs` does when it reads them. */
export const [COUNT, FAIL, SLOW, HANG] = ['How many?', 'FAIL', 'SLOW', 'HANG'];
export const SLOW_ANSWER = 'One two three four five six';
export const WEATHER = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};

/** @throws where what came is not what is right */
export function check(is, what, got) {
  if (!is) throw new Error(`${what}: ${JSON.stringify(got)?.slice(0, 300)}`);
}
export const includes = (text, part) =>
  check(text && text.search(part) >= 0, `should have “${part}”`, text);
/** A file that is text may be told as text. */
export const FILE_SEEN = /1 file|Trees have leaves/;

/** Comes back with what was thrown. */
export async function thrown(work) {
  try {
    await work();
  } catch (error) {
    return error;
  }
  throw new Error('should have failed');
}

/** Runs the flows of a client. What it does not offer says why in the place of a function. */
export async function run(flows) {
  for (const flow of FLOWS) {
    const work = flows[flow];
    const result =
      typeof work === 'function'
        ? await tried(work)
        : { result: 'not offered', reason: work ?? '' };
    console.log(JSON.stringify({ flow, ...result }));
  }
  process.exit(0);
}

const PATIENCE_MS = 20_000;

async function tried(work) {
  let patience;
  const tooLong = new Promise((_, reject) => {
    patience = setTimeout(() => reject(new Error('it never ends')), PATIENCE_MS);
  });
  try {
    await Promise.race([work(), tooLong]);
    return { result: 'works' };
  } catch (error) {
    return {
      // The server says that it cannot, and why.
      result: error?.status === 400 ? 'refused' : 'fails',
      reason: String(error?.message ?? error).slice(0, 500),
    };
  } finally {
    clearTimeout(patience);
  }
}
