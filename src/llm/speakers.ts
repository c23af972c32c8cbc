/** What somebody says in a message, and who that is; null where nobody says it. */
export interface SaidPart<Part> {
  part: Part;
  by: string | null;
}

/** A message of one name, or with the names in its words. */
export interface SpokenMessage<Part> {
  name?: string;
  parts: Part[];
}

/** As OpenAI has it, for names in messages of chat completions. */
const NAME = /^[^\s<|\\/>\p{Cc}]{1,64}$/u;

/** Whether providers take a name as that of who speaks. */
export const isSpeakerName = (name: string): boolean => NAME.test(name);

/**
 * Who speaks in a message, as its name where one person says all of it and providers take such a
 * name; else in front of their words, where not everybody on the path is the same person.
 * @param areMany whether several people speak on the path
 * @param textPart makes a part of words
 */
export function spokenBy<Part extends { type: string }>(
  said: readonly SaidPart<Part>[],
  areMany: boolean,
  textPart: (text: string) => Part,
): SpokenMessage<Part> {
  const [first] = said;
  const parts = said.map(({ part }) => part);
  const isOne = said.every(({ by }) => by === first?.by);
  if (isOne && (!first?.by || isSpeakerName(first.by)))
    return { parts, ...(first?.by && { name: first.by }) };
  if (isOne && !areMany) return { parts };
  return { parts: turnsIn(said).flatMap((turn) => prefixed(turn, textPart)) };
}

/** What is said in a row by the same person. */
function turnsIn<Part>(said: readonly SaidPart<Part>[]): SaidPart<Part>[][] {
  const turns: SaidPart<Part>[][] = [];
  for (const one of said) {
    const last = turns.at(-1);
    if (last?.[0]!.by === one.by) last.push(one);
    else turns.push([one]);
  }
  return turns;
}

/** The name stands in front of the first words, or alone in front of what has none. */
function prefixed<Part extends { type: string }>(
  turn: readonly SaidPart<Part>[],
  textPart: (text: string) => Part,
): Part[] {
  const parts = turn.map(({ part }) => part);
  const { by } = turn[0]!;
  if (!by) return parts;
  const at = parts.findIndex(({ type }) => type === 'text');
  if (at < 0) return [textPart(`${by}:`), ...parts];
  const { text } = parts[at] as unknown as { text: string };
  return parts.with(at, textPart(`${by}: ${text}`));
}
