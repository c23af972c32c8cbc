import { applyDecorators } from '@nestjs/common';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsInt, IsNumber, IsOptional, Max, Min } from 'class-validator';

const TOKENS_MAX = 10_000_000;

const from = (min: number, max: number): PropertyDecorator =>
  applyDecorators(
    Min(min, { message: `must be at least ${min}` }),
    Max(max, { message: `must be at most ${max}` }),
  );

/** How long an answer may become, in tokens; null is as good as nothing. */
export const TokensMax = (): PropertyDecorator =>
  applyDecorators(
    ApiPropertyOptional({ type: 'integer', nullable: true, minimum: 1, maximum: TOKENS_MAX }),
    IsOptional(),
    IsInt({ message: 'must be a whole number' }),
    from(1, TOKENS_MAX),
  );

const numberFrom = (min: number, max: number): PropertyDecorator =>
  applyDecorators(
    ApiPropertyOptional({
      type: 'number',
      format: 'double',
      nullable: true,
      minimum: min,
      maximum: max,
    }),
    IsOptional(),
    IsNumber({}, { message: 'must be a number' }),
    from(min, max),
  );

/** How the model chooses its words, as a number from 0 to `max`; null is as good as nothing. */
export const Sampling = (max: number): PropertyDecorator => numberFrom(0, max);

/** How much the model keeps from saying again what was said, from -2 to 2. */
export const Penalty = (): PropertyDecorator => numberFrom(-2, 2);
