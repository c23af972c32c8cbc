import { ApiPropertyOptional } from '@nestjs/swagger';
import { Unsupported } from './checked-field.js';

/**
 * What becomes of a field: the server acts on it itself, it is passed on to the model, it is kept
 * with the pair and told again, or it is refused by its name. Nothing is dropped in silence.
 */
export type Fate = 'served' | 'passed' | 'kept' | RefusedField;

/** A field that has no effect here: only a value that asks for nothing passes. */
export interface RefusedField {
  mend: string;
  /** What passes all the same, beside null, nothing and an empty list. */
  passes?: (value: unknown) => boolean;
}

export type Fates = Readonly<Record<string, Fate>>;

const leaveOut = (what: string): RefusedField => ({ mend: `${what}; leave the field out` });
const only = (value: unknown, mend: string): RefusedField => ({
  mend,
  passes: (given) => JSON.stringify(given) === JSON.stringify(value),
});
const USUAL_TIERS = ['auto', 'default'];
const usualTier: RefusedField = {
  mend: 'must be auto or default: there is one tier here',
  passes: (tier) => USUAL_TIERS.includes(tier as string),
};
const noOddsOf = (what: string): RefusedField =>
  only(0, `${what} are not given here; leave it out`);
const moderation = leaveOut('nothing is moderated here');
const cacheOptions = leaveOut('caches of prompts are the provider’s own');
/** Of the options of a stream. */
export const NO_PADDING: RefusedField = only(false, 'must be false: nothing is padded here');
const plainStream: RefusedField = {
  mend: 'include_obfuscation must be false: nothing is padded here',
  passes: (value) =>
    typeof value === 'object' && Object.values(value as object).every((one) => one !== true),
};

/**
 * `POST /v1/responses`, and its frame on a socket. Fields that are not here the provider may know:
 * it is told them as they are.
 */
export const RESPONSE_FIELDS: Fates = {
  access_programs: leaveOut('there are none here'),
  background: 'served',
  background_options: leaveOut('there are none here'),
  context_management: leaveOut('a path that is too long is cut by truncation, or by compact'),
  conversation: 'served',
  frequency_penalty: 'passed',
  image: leaveOut('models make no pictures here'),
  include: 'served',
  input: 'passed',
  instructions: 'passed',
  max_output_tokens: 'passed',
  max_tool_calls: 'kept',
  metadata: 'kept',
  model: 'served',
  moderation,
  parallel_tool_calls: 'passed',
  presence_penalty: 'passed',
  previous_response_id: 'served',
  prompt: leaveOut('templates of prompts are not supported here'),
  prompt_cache_key: 'kept',
  prompt_cache_options: cacheOptions,
  prompt_cache_retention: 'kept',
  reasoning: 'passed',
  safety_identifier: 'kept',
  seed: 'passed',
  service_tier: usualTier,
  store: 'served',
  stream: 'served',
  stream_options: plainStream,
  temperature: 'passed',
  text: 'passed',
  tool_choice: 'passed',
  tools: 'passed',
  top_logprobs: noOddsOf('the odds of words'),
  top_p: 'passed',
  truncation: 'served',
  user: 'kept',
};

/** `POST /v1/chat/completions`. */
export const COMPLETION_FIELDS: Fates = {
  audio: leaveOut('models do not speak here'),
  frequency_penalty: 'passed',
  function_call: leaveOut('this older form is not supported; say tool_choice'),
  functions: leaveOut('this older form is not supported; say tools'),
  logit_bias: only({}, 'the odds of words cannot be changed here; leave it out'),
  logprobs: only(false, 'the odds of words are not given here; leave it out'),
  max_completion_tokens: 'passed',
  max_tokens: 'passed',
  messages: 'passed',
  metadata: 'passed',
  modalities: only(['text'], 'models answer with text alone here'),
  model: 'served',
  moderation,
  n: only(1, 'must be 1: one answer for each request'),
  parallel_tool_calls: 'passed',
  prediction: leaveOut('predictions are not supported here'),
  presence_penalty: 'passed',
  prompt_cache_key: 'passed',
  prompt_cache_options: cacheOptions,
  prompt_cache_retention: 'passed',
  reasoning_effort: 'passed',
  response_format: 'passed',
  safety_identifier: 'passed',
  seed: 'passed',
  service_tier: usualTier,
  stop: 'passed',
  store: 'served',
  stream: 'served',
  stream_options: 'served',
  temperature: 'passed',
  tool_choice: 'passed',
  tools: 'passed',
  top_logprobs: noOddsOf('the odds of words'),
  top_p: 'passed',
  user: 'passed',
  verbosity: 'passed',
  web_search_options: leaveOut('nothing is searched here'),
};

/** On a DTO: refuses what the table refuses. */
export const RefusesBy =
  (fates: Fates): ClassDecorator =>
  (dto) => {
    for (const [field, fate] of Object.entries(fates)) {
      if (typeof fate === 'string') continue;
      Unsupported(fate.mend, fate.passes ?? (() => false))(dto.prototype as object, field);
      // Left out of the document but for its being null: whoever reads it shall not send it.
      ApiPropertyOptional({ type: 'null', description: `Refused: ${fate.mend}.` } as object)(
        dto.prototype as object,
        field,
      );
    }
  };
