/**
 * A word of a text, as it is looked for. Words that follow each other have positions that do; what
 * begins at the same place has the same one.
 */
export interface Token {
  lexeme: string;
  /** From 0. */
  position: number;
  /** Where it stands in the text, in UTF-16 code units. */
  from: number;
  to: number;
}

/** Takes the words of a text in their order, and says whether it wants more. */
export interface TokenSink {
  /**
   * A word of ASCII that is not put together: its lexeme is what stands there in small letters, of
   * which the first `LEXEME_MAX` count. Nearly all words are such, so nothing is made of them.
   */
  plain(text: string, from: number, to: number, position: number): boolean;
  other(token: Token): boolean;
}

/** Longer words (keys, base64) are known by their beginning. */
export const LEXEME_MAX = 64;

/** Scripts that put no space between words, or (Korean) hang endings on them. */
const UNSPACED =
  '\\p{scx=Han}\\p{scx=Hiragana}\\p{scx=Katakana}\\p{sc=Hangul}\\p{sc=Thai}\\p{sc=Lao}\\p{sc=Khmer}\\p{sc=Myanmar}';
/** Marks that cannot be seen (joiners, soft hyphens, marks of direction) part no word. */
const WORD = '\\p{L}\\p{M}\\p{N}\\p{Cf}_';
const PIECES = new RegExp(`[${WORD}]+|\\p{Extended_Pictographic}`, 'gu');
/** `C++` and `C#`: what stands behind the letter. */
const SIGNS = new RegExp(`(?:\\+\\+|#)(?![${WORD}])`, 'uy');
/** A run of an unspaced script, or of anything else, digits and Latin letters among it. */
const RUNS = new RegExp(
  `(?:(?![\\p{N}\\p{Cf}_])[${UNSPACED}]\\p{M}*)+|(?:(?!(?![\\p{N}\\p{Cf}_])[${UNSPACED}]).)+`,
  'gu',
);
const HAS_UNSPACED = new RegExp(`(?![\\p{N}\\p{Cf}_])[${UNSPACED}]`, 'u');
const ASCII = /^[\u0020-\u007e]*$/;
/** Where an identifier is put together: `max_tokens`, `getUserById`, `XMLHttpRequest`. */
const SEAMS = /_+|(?<=[\p{Ll}\p{N}])(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})/u;
const MAY_HAVE_SEAMS = /_|[\p{L}\p{N}]\p{Lu}/u;
/** Accents, and the points of Hebrew and Arabic, which most people leave out. */
const ACCENTS = /[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670]|\p{Cf}/gu;
const LETTERS: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ı: 'i',
};

/** A word as everybody writes it: in small letters, without accents, in one form of Unicode. */
export function foldOf(word: string): string {
  if (ASCII.test(word)) return cut(word.toLowerCase());
  const plain = word.toLowerCase().normalize('NFKD').replace(ACCENTS, '').normalize('NFC');
  return cut(plain.replace(/[ßæœøłđðþı]/g, (letter) => LETTERS[letter]!));
}

/** Never through a character. */
const cut = (word: string): string =>
  word.length <= LEXEME_MAX ? word : word.slice(0, LEXEME_MAX).replace(/[\ud800-\udbff]$/, '');

/** What the signs of ASCII are to words. */
const [NONE, LETTER, CAPITAL, SEAM] = [0, 1, 2, 3] as const;
const ASCII_SIGNS = 0x80;
const KINDS = Uint8Array.from({ length: ASCII_SIGNS }, (_, code) => {
  const sign = String.fromCharCode(code);
  if (/[A-Z]/.test(sign)) return CAPITAL;
  if (/[a-z\d]/.test(sign)) return LETTER;
  return sign === '_' ? SEAM : NONE;
});

/** The words of a text in their order. */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  eachToken(text, (token) => tokens.push(token) > 0);
  return tokens;
}

/** Hands on the words of a text in their order, until `take` wants no more. */
export function eachToken(text: string, take: (token: Token) => boolean): void {
  walkTokens(text, {
    plain: (_text, from, to, position) =>
      take({ lexeme: cut(text.slice(from, to).toLowerCase()), position, from, to }),
    other: take,
  });
}

/**
 * Hands on the words of a text in their order, until the sink wants no more. Of a script without
 * spaces each two neighbours are a word, and the last character of a run by itself: so every
 * character begins one. What is put together (`getUserById`) is a word as a whole, and so is each
 * part of it.
 */
export function walkTokens(text: string, sink: TokenSink): void {
  let position = 0;
  for (let at = 0; at < text.length;) {
    if (KINDS[text.charCodeAt(at)] === NONE) {
      at++;
      continue;
    }
    const end = endOfPlain(text, at);
    if (end > at) {
      if (!sink.plain(text, at, end + signsAfter(text, at, end), position++)) return;
      at = end;
      continue;
    }
    const piece = pieceFrom(text, at);
    if (!piece) return;
    // What is no word was passed over.
    if (piece.index > at) {
      at = piece.index;
      continue;
    }
    const tokens = tokensOfPiece(piece[0], at);
    for (const token of tokens)
      if (!sink.other({ ...token, position: position + token.position })) return;
    position += positionBehind(tokens);
    at += piece[0].length;
  }
}

const positionBehind = (tokens: readonly Token[]): number => (tokens.at(-1)?.position ?? -1) + 1;

/** Of a piece without signs, which stands at `at`; their positions begin at 0. */
function tokensOfPiece(piece: string, at: number): Token[] {
  const tokens: Token[] = [];
  for (const [run, from] of runsOf(piece, at)) {
    const start = positionBehind(tokens);
    for (const token of HAS_UNSPACED.test(run) ? pairsOf(run) : wordsOf(run))
      tokens.push({
        lexeme: token.lexeme,
        position: start + token.position,
        from: from + token.from,
        to: from + token.to,
      });
  }
  return tokens;
}

/**
 * Where the word ends that begins at `from`, if it is of ASCII and not put together; else `from`.
 * Nearly all words are such, and a regular expression takes five times as long for one.
 */
function endOfPlain(text: string, from: number): number {
  let before: number = NONE;
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= ASCII_SIGNS) return from;
    const kind = KINDS[code]!;
    if (kind === NONE) return at;
    if (kind === SEAM || (kind === CAPITAL && before !== NONE)) return from;
    before = kind;
  }
  return text.length;
}

function pieceFrom(text: string, at: number): RegExpExecArray | null {
  PIECES.lastIndex = at;
  return PIECES.exec(text);
}

function signsAfter(text: string, from: number, to: number): number {
  if (to - from > 1) return 0;
  SIGNS.lastIndex = to;
  return SIGNS.exec(text)?.[0].length ?? 0;
}

const runsOf = (piece: string, index: number): (readonly [run: string, from: number])[] =>
  !HAS_UNSPACED.test(piece)
    ? [[piece, index]]
    : [...piece.matchAll(RUNS)].map((match) => [match[0], index + match.index]);

function pairsOf(run: string): Token[] {
  const characters = [...run.matchAll(/.\p{M}*/gsu)];
  return characters.map(({ 0: character, index }, position) => {
    const next = characters[position + 1]?.[0] ?? '';
    const to = index + character.length + next.length;
    return { lexeme: foldOf(character + next), position, from: index, to };
  });
}

/** A word, and its parts where it has any. The last token has the last position. */
function wordsOf(run: string): Token[] {
  const whole = { lexeme: foldOf(run), position: 0, from: 0, to: run.length };
  if (whole.lexeme === '') return [];
  if (!MAY_HAVE_SEAMS.test(run)) return [whole];
  const parts: Token[] = [];
  let from = 0;
  for (const part of run.split(SEAMS)) {
    from = run.indexOf(part, from);
    const lexeme = foldOf(part);
    if (lexeme !== '') parts.push({ lexeme, position: parts.length, from, to: from + part.length });
    from += part.length;
  }
  return parts.length === 1 && parts[0]!.lexeme === whole.lexeme ? parts : [whole, ...parts];
}
