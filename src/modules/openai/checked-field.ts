import { applyDecorators } from '@nestjs/common';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { Held } from '../../common/fields.js';
import { isGiven } from './input-content.js';

export const MODEL_CHARS_MAX = 241;

/** A field with a check of its own; `fault` says what is wrong, or null. */
export const Checked = (fault: (value: unknown) => string | null): PropertyDecorator =>
  Held('checked', fault);

/** A field of OpenAI's API whose effect we cannot give: only what asks for nothing passes. */
export const Unsupported = (
  mend: string,
  asksNothing: (value: unknown) => boolean,
): PropertyDecorator =>
  Checked((value) => {
    const isNothing = !isGiven(value) || (Array.isArray(value) && value.length === 0);
    return isNothing || asksNothing(value) ? null : mend;
  });

/** A field with a check of its own that may be null, and its schema. */
export const Nullable = (
  schema: object,
  fault: (value: unknown) => string | null,
): PropertyDecorator => applyDecorators(ApiPropertyOptional(schema), IsOptional(), Checked(fault));
