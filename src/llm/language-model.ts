/** One earlier exchange that the model is to know. */
export interface Exchange {
  question: string;
  /** Null where a question was stored without an answer. */
  response: string | null;
}

/** What is asked. Context is exactly the path of one branch: never a sibling's words. */
export interface Prompt {
  question: string;
  systemPrompt: string | null;
  /** The earlier pairs of the branch, oldest first. */
  earlier: readonly Exchange[];
  /** Which model the chat asks for; the adapter's default when null. */
  model: string | null;
}

export interface Answer {
  text: string;
  /** The model that answered. */
  model: string;
  usage: { input_tokens: number; output_tokens: number } | null;
}

/** Thrown by a model that cannot answer. The question is stored all the same, with this as its `error`. */
export class ModelError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** The port to models. */
export abstract class LanguageModel {
  /** How many earlier pairs the model can be given at most; older ones are left out. */
  abstract readonly earlierPairsMax: number;

  /** Answers a question. @throws ModelError */
  abstract answer(prompt: Prompt): Promise<Answer>;
}
