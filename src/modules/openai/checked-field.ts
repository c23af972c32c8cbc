import { Held } from '../../common/fields.js';
import { isGiven } from './chat-messages.js';

export const MODEL_CHARS_MAX = 241;

/** A field with a check of its own; `fault` says what is wrong, or null. */
export const Checked = (fault: (value: unknown) => string | null): PropertyDecorator =>
  Held('checked', fault);

/** A field of OpenAI's API whose effect we cannot give: only what asks for nothing passes. */
export const Unsupported = (
  mend: string,
  asksNothing: (value: unknown) => boolean = (value) => !isGiven(value),
): PropertyDecorator => Checked((value) => (asksNothing(value) ? null : mend));
