/** What answers of models took. Of one that was stopped the tokens are an estimate. */
export class UsageSumDto {
  /** Answers whose tokens are known. */
  answers!: number;
  input_tokens!: number;
  output_tokens!: number;
}

export class ChatUsageDto {
  chat_id!: string;
  root_chat_id!: string;
  /** Pairs that the chat itself owns. */
  own!: UsageSumDto;
  /** All pairs on its path, inherited ones included. */
  path!: UsageSumDto;
  /** All pairs of the conversation, those of deleted branches included. */
  conversation!: UsageSumDto;
}

export class AccountUsageDto {
  /** Since midnight, UTC. */
  today!: UsageSumDto;
  total!: UsageSumDto;
}
