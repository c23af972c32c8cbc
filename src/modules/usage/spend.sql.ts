/**
 * Counts what an answer took to the day of its account ($1). Last in a statement, since all answers
 * of an account count here.
 * @param input an expression, as `output` is @param from what comes behind the columns: no row, and
 * nothing is counted
 */
export const spend = (input: string, output: string, from = ''): string => `
  INSERT INTO usage_days AS u (account_id, day, answers, input_tokens, output_tokens)
  SELECT $1::uuid, (now() AT TIME ZONE 'UTC')::date, 1, ${input}, ${output} ${from}
  ON CONFLICT (account_id, day) DO UPDATE
  SET answers = u.answers + 1, input_tokens = u.input_tokens + excluded.input_tokens, output_tokens = u.output_tokens + excluded.output_tokens`;

export const SPEND = spend('$2::int', '$3::int');
