/** Payload of every pair that is measured: 920 bytes of English in ASCII. */
export const QUESTION_BYTES = 120;
export const ANSWER_BYTES = 800;
export const PAYLOAD_BYTES = QUESTION_BYTES + ANSWER_BYTES;

/**
 * Plain prose, so that anything that compresses meets what it would meet in life. A text takes each
 * sentence at most once.
 */
const PROSE = `
The tide tables for the harbour are printed twice a year, and nobody trusts the second edition. A kettle that whistles too early usually has a worn valve.
Glaciers carve valleys in the shape of a U, while rivers leave a V behind them. My neighbour grows figs against a south wall and wraps them in straw each November.
Copper roofs turn green because rain and air make a thin skin of carbonate. The committee met on Thursday, argued about parking, and adjourned before lunch.
When two threads wait for each other's lock, neither will ever move again. Sourdough needs patience more than skill, although a warm kitchen certainly helps.
Photons from the far side of the galaxy left home when mammoths still walked in Siberia. She kept every letter in a biscuit tin under the stairs.
An index speeds up reads at the price of slower writes and a larger disk. The ferry leaves at a quarter past six, unless fog closes the channel.
Most orchids need a fungus in the soil before their dusty seeds can sprout. Never store a password in plain text, not even for an afternoon.
Basalt cools into hexagonal columns when it shrinks evenly from the top. He translated the poem three times and threw away the first two versions.
Vaccines teach the immune system to recognise a stranger it has not met. The old bridge carries trams now, and cyclists complain about the rails.
Interest compounds quietly, which is why small debts become large ones. A violin made of spruce and maple sounds brighter after ten years of playing.
If the queue grows without a bound, the process will run out of memory at night. Otters hold hands while they sleep so that the current cannot part them.
The treaty was signed in a railway carriage and broken within a decade. Cold brew tastes smoother because fewer acids dissolve below room temperature.
Latency hides in the tail, so look at the slowest percent before you celebrate. Her grandfather mended clocks and could name a maker by the sound of the strike.
Chlorophyll absorbs red and blue light and leaves the green for our eyes. The shop closes early on Wednesdays, a habit older than anyone who works there.
To peel a tomato, cut a small cross and leave it in boiling water for a minute. Satellites in low orbit circle the planet about sixteen times every day.
Rewrite the function so that each branch returns early, and the nesting disappears. The desert blooms once in several years, after a single generous rain.
A good index of a book is a map drawn by someone who has walked the whole country. Lightning heats the air to five times the temperature of the surface of the sun.
They painted the barn red because iron oxide was the cheapest pigment in the county. Garbage collection pauses are short today, but they are not free.
Migrating geese take turns at the front, where the wind is hardest. The recipe calls for saffron, yet turmeric gives nearly the same colour for less.
Half of the volunteers received a placebo and did not know it. You can see the ring of Saturn with a modest telescope on a clear winter evening.
Before printing presses, a monk might spend a year on a single volume. Cache invalidation is hard since the truth changes while you are looking away.
The violinist tuned to the oboe, as orchestras have done for three centuries. Steel rusts faster near the sea, where salt keeps the surface damp.
Our train stopped between stations for an hour while cows were led off the track. Use a bloom filter when a false alarm is cheap and a miss is not.
Honey found in ancient tombs was still edible after thousands of years. The judge asked for the original contract, and the room became very quiet.
Wolves returned to the valley, and the willows along the stream grew tall again. A checksum tells you that a file has changed, but never who changed it.
Children learn the grammar of a language long before they can explain it. The moon moves away from us by about the width of a thumb each year.`;

const SENTENCES = PROSE.trim().split(/(?<=\.)\s+/);

/** A small generator with a seed (mulberry32), so that every run writes the same words. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A question and an answer of exactly the payload's length; the same for the same number. */
export function pairOf(n: number): { question: string; response: string } {
  const random = randomOf(n + 1);
  const order = SENTENCES.map((sentence) => [random(), sentence] as const).sort(
    ([a], [b]) => a - b,
  );
  const text = order.map(([, sentence]) => sentence).join(' ');
  return {
    question: text
      .slice(0, QUESTION_BYTES - 1)
      .trim()
      .padEnd(QUESTION_BYTES, '?'),
    response: text.slice(-ANSWER_BYTES),
  };
}
