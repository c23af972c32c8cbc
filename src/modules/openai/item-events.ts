import type {
  CallItemDto,
  ItemContentDto,
  ItemDto,
  MessageItemDto,
  ReasoningItemDto,
  ReasoningTextDto,
} from './response-items.dto.js';

/** An event as OpenAI's clients read it. */
export interface ResponseEvent {
  type: string;
  sequence_number: number;
  [field: string]: unknown;
}

type EventFields = [type: string, fields: object];

/** What is told of an item: before its text, the text in pieces, and behind it. */
interface Script {
  opening: EventFields[];
  text: string;
  piece: (delta: string) => EventFields;
  closing: EventFields[];
}

/** Where an item stands among the events of its response. */
export interface Stage {
  outputIndex: number;
  /** The number of its first event. */
  base: number;
  /** The number of the last event that the reader has. */
  after: number;
}

/**
 * So many numbers has each item: more than twice the code units that an answer may have. What
 * comes behind its text has those from the half on, so they do not depend on it.
 */
export const STRIDE = 2 ** 20;

/** One item as it grows. What the reader has already is left out. */
export class ItemEvents {
  isClosed = false;
  /** What was told of its text. */
  text = '';

  constructor(
    private readonly stage: Stage,
    /** As it begins: without a text. */
    readonly begun: ItemDto,
  ) {}

  open(): ResponseEvent[] {
    return this.numbered(this.script(this.begun).opening, this.stage.base);
  }

  grow(piece: string): ResponseEvent[] {
    const { opening, piece: told } = this.script(this.begun);
    const from = this.stage.base + opening.length - 1 + this.text.length;
    const rest = piece.slice(Math.max(0, this.stage.after - from));
    this.text += piece;
    return rest === '' ? [] : this.numbered([told(rest)], from + piece.length);
  }

  /** The end: what was not told yet, and the whole. */
  close(item: ItemDto): ResponseEvent[] {
    this.isClosed = true;
    const { text, closing } = this.script(item);
    const missing = text.slice(this.text.length);
    return [
      ...(missing === '' ? [] : this.grow(missing)),
      ...this.numbered(closing, this.stage.base + STRIDE / 2),
    ];
  }

  private script(item: ItemDto): Script {
    const { outputIndex } = this.stage;
    if (item.type === 'message') return messageScript(item, outputIndex);
    return item.type === 'reasoning'
      ? reasoningScript(item, outputIndex)
      : callScript(item as CallItemDto, outputIndex);
  }

  private numbered(told: readonly EventFields[], first: number): ResponseEvent[] {
    return told
      .map(([type, fields], at) => ({ type, sequence_number: first + at, ...fields }))
      .filter(({ sequence_number: number }) => number > this.stage.after);
  }
}

const added = (outputIndex: number, item: ItemDto, nothing: object): EventFields => [
  'response.output_item.added',
  { output_index: outputIndex, item: { ...item, ...nothing, status: 'in_progress' } },
];
const done = (outputIndex: number, item: ItemDto): EventFields => [
  'response.output_item.done',
  { output_index: outputIndex, item },
];

function messageScript(item: MessageItemDto, outputIndex: number): Script {
  const [first, ...others] = item.content.map((part, index) =>
    contentScript(part, { item_id: item.id, output_index: outputIndex, content_index: index }),
  ) as [Script, ...Script[]];
  return {
    opening: [added(outputIndex, item, { content: [] }), ...first.opening],
    text: first.text,
    piece: first.piece,
    closing: [...first.closing, ...others.flatMap(wholeOf), done(outputIndex, item)],
  };
}

/** A script whose text is told at once. */
const wholeOf = ({ opening, text, piece, closing }: Script): EventFields[] => [
  ...opening,
  ...(text === '' ? [] : [piece(text)]),
  ...closing,
];

function contentScript(part: ItemContentDto, at: object): Script {
  const isRefusal = part.type === 'refusal';
  const isText = part.type === 'output_text';
  const text = (isRefusal ? part.refusal : isText ? part.text : '') ?? '';
  const name = isRefusal ? 'response.refusal' : 'response.output_text';
  const empty = isRefusal ? { refusal: '' } : isText ? { text: '', annotations: [] } : {};
  const more = isRefusal ? {} : { logprobs: [] };
  const whole: EventFields = [
    `${name}.done`,
    { ...at, ...(isRefusal ? { refusal: text } : { text }), ...more },
  ];
  return {
    opening: [['response.content_part.added', { ...at, part: { ...part, ...empty } }]],
    text,
    piece: (delta) => [`${name}.delta`, { ...at, delta, ...more }],
    closing: [
      ...(isText || isRefusal ? [whole] : []),
      ['response.content_part.done', { ...at, part }],
    ],
  };
}

function callScript(item: CallItemDto, outputIndex: number): Script {
  const at = { item_id: item.id, output_index: outputIndex };
  const { name, arguments: text } = item;
  return {
    opening: [added(outputIndex, item, { arguments: '' })],
    text,
    piece: (delta) => ['response.function_call_arguments.delta', { ...at, delta }],
    closing: [
      ['response.function_call_arguments.done', { ...at, name, arguments: text }],
      done(outputIndex, item),
    ],
  };
}

function reasoningScript(item: ReasoningItemDto, outputIndex: number): Script {
  const at = { item_id: item.id, output_index: outputIndex };
  const [first, ...others] = [
    ...item.summary.map((part, index) => thoughtScript(part, { ...at, summary_index: index })),
    ...(item.content ?? []).map((part, index) =>
      thoughtScript(part, { ...at, content_index: index }),
    ),
  ];
  return {
    opening: [added(outputIndex, item, { summary: [], content: [] }), ...(first?.opening ?? [])],
    text: first?.text ?? '',
    piece: first?.piece ?? (() => ['', {}]),
    closing: [...(first?.closing ?? []), ...others.flatMap(wholeOf), done(outputIndex, item)],
  };
}

function thoughtScript(part: ReasoningTextDto, at: object): Script {
  const { type, text } = part;
  const isSummary = type === 'summary_text';
  const name = isSummary ? 'response.reasoning_summary_text' : 'response.reasoning_text';
  const frame = isSummary ? 'response.reasoning_summary_part' : 'response.content_part';
  return {
    opening: [[`${frame}.added`, { ...at, part: { ...part, text: '' } }]],
    text,
    piece: (delta) => [`${name}.delta`, { ...at, delta }],
    closing: [
      [`${name}.done`, { ...at, text }],
      [`${frame}.done`, { ...at, part }],
    ],
  };
}
