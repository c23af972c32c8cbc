import { ValidateBy } from 'class-validator';
import { isLonger } from '../../common/text-length.js';
import { SAID_TEXT } from '../../common/text-patterns.js';

const MODEL_CHARS_MAX = 200;

/** The name of a model, in schemas. */
export const MODEL_NAME = {
  type: 'string',
  minLength: 1,
  maxLength: MODEL_CHARS_MAX,
  pattern: SAID_TEXT,
} as const;

export const isModelName = (value: unknown): boolean =>
  typeof value === 'string' && value.trim() !== '' && !isLonger(value, MODEL_CHARS_MAX);

export const IsModelName = (): PropertyDecorator =>
  ValidateBy({
    name: 'isModelName',
    validator: { validate: isModelName, defaultMessage: () => 'must be the name of a model' },
  });
