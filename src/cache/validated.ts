import { SetMetadata } from '@nestjs/common';

export const VALIDATOR = 'banyan:validator';

/** What an answer depends on: one chat (its `revision`) or the whole tree (`event_seq` of the conversation). */
export type ValidatorKind = 'chat' | 'tree';

/** Marks a read route whose answer depends on nothing but the URL, the account and this state of a chat; `chat_id` is in the path or query. */
export const Validated = (kind: ValidatorKind): MethodDecorator => SetMetadata(VALIDATOR, kind);
