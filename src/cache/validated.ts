import { routeConfig } from '../common/route-config.js';

/**
 * What an answer depends on: one chat (its `revision`) or the whole tree (`event_seq` of the
 * conversation).
 */
export type ValidatorKind = 'chat' | 'tree';

/** How a read route is validated. */
export interface Validation {
  kind: ValidatorKind;
  /** The handler answers a `StatedJson`, so that nobody has to ask for the state before it. */
  stated: boolean;
  /** A parameter of the query by which the answer depends on the whole tree. */
  treeIf?: string;
}

/** The state of a chat, as its ETag tells it. */
export const chatState = (revision: number): string => String(revision);
/** The state of a tree, as its ETag tells it. */
export const treeState = (eventSeq: number): string => `t${eventSeq}`;

/**
 * An answer as JSON with the state that it was read in: the one of the same moment, or an older
 * one.
 */
export class StatedJson {
  constructor(
    readonly json: string,
    readonly state: string,
  ) {}
}

/**
 * Marks a read route whose answer depends on nothing but the URL, the account and this state of a
 * chat; `chat_id` is in the path or query.
 * @param options `stated`: the handler answers a `StatedJson`; `treeIf`: see `Validation`
 */
export const Validated = (
  kind: ValidatorKind,
  { stated = false, treeIf }: Partial<Omit<Validation, 'kind'>> = {},
): MethodDecorator => routeConfig({ validation: { kind, stated, treeIf } satisfies Validation });
