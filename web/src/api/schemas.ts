// Made from openapi.json by npm run openapi.
export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
  schemas: {
    AccountDto: {
      account_id: string;
      name: string | null;
      created_at: string;
      email: string | null;
    };
    AnswerErrorDto: {
      code: string;
      message: string;
    };
    BranchItemDto: {
      chat_id: string;
      parent_chat_id: string | null;
      fork_response_id: string | null;
      fork_seq: number;
      name: string | null;
      active: boolean;
      message_count: number;
      created_at: string;
    };
    BranchNodeDto: {
      chat_id: string;
      parent_chat_id: string | null;
      fork_response_id: string | null;
      fork_seq: number;
      name: string | null;
      active: boolean;
      message_count: number;
      created_at: string;
      children: components['schemas']['BranchNodeDto'][];
    };
    BranchTreeDto: {
      root_chat_id: string;
      active_chat_id: string;
      total: number;
      next_cursor?: string;
      tree?: components['schemas']['BranchNodeDto'];
      items?: components['schemas']['BranchItemDto'][];
    };
    ChatDto: {
      chat_id: string;
      root_chat_id: string;
      active_chat_id?: string;
      parent_chat_id: string | null;
      fork_response_id: string | null;
      fork_seq: number;
      depth: number;
      account_id: string;
      chat_type: 'standard' | 'temporary';
      name: string | null;
      active: boolean;
      message_count: number;
      pinned: boolean;
      archived: boolean;
      metadata: {
        [key: string]: unknown;
      } | null;
      model: string | null;
      system_prompt: string | null;
      revision: number;
      created_at: string;
      updated_at: string;
      started_by: components['schemas']['StartedByDto'] | null;
    };
    ChatPageDto: {
      next_cursor: string | null;
      items: components['schemas']['ListedChatDto'][];
    };
    CommonPairDto: {
      response_id: string;
      chat_id: string;
      seq: number;
    };
    ComparisonDto: {
      common: components['schemas']['CommonPairDto'] | null;
      left: components['schemas']['TailDto'];
      right: components['schemas']['TailDto'];
    };
    ExcerptDto: {
      text: string;
      ranges: number[][];
    };
    FanOutAnswerDto: {
      items: components['schemas']['QaPairDto'][];
    };
    FileDto: {
      file_id: string;
      name: string | null;
      created_at: string;
      media_type: string;
      bytes: number;
      sha256: string;
    };
    HitDto: {
      response_id: string;
      chat_id: string;
      root_chat_id: string;
      seq: number;
      name: string | null;
      timestamp: string;
      path: string[];
      visible_in: string[];
      highlight: components['schemas']['HitHighlightDto'];
    };
    HitHighlightDto: {
      question?: components['schemas']['ExcerptDto'];
      response?: components['schemas']['ExcerptDto'];
    };
    HitPageDto: {
      next_cursor: string | null;
      items: components['schemas']['HitDto'][];
    };
    ImportDto: {
      import_id: string;
      name: string | null;
      status: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';
      created_at: string;
      source: 'chatgpt' | 'claude' | 'librechat' | 'open_webui' | 'banyan' | null;
      error: components['schemas']['ImportErrorDto'] | null;
      started_at: string | null;
      ended_at: string | null;
      bytes: number;
      progress: components['schemas']['ImportProgressDto'];
      report: components['schemas']['ImportReportDto'];
    };
    ImportErrorDto: {
      code: string;
      message: string;
    };
    ImportProgressDto: {
      bytes_read: number;
      conversations: number;
    };
    ImportReportDto: {
      changed: {
        [key: string]: number;
      };
      conversations: components['schemas']['ImportedConversationsDto'];
      added: components['schemas']['ImportedThingsDto'];
      refused: components['schemas']['RefusedConversationDto'][];
    };
    ImportedConversationsDto: {
      read: number;
      added: number;
      updated: number;
      unchanged: number;
      refused: number;
    };
    ImportedThingsDto: {
      chats: number;
      pairs: number;
      messages: number;
      files: number;
    };
    ListedChatDto: {
      chat_id: string;
      root_chat_id: string;
      active_chat_id?: string;
      parent_chat_id: string | null;
      fork_response_id: string | null;
      fork_seq: number;
      depth: number;
      account_id: string;
      chat_type: 'standard' | 'temporary';
      name: string | null;
      active: boolean;
      message_count: number;
      pinned: boolean;
      archived: boolean;
      metadata: {
        [key: string]: unknown;
      } | null;
      model: string | null;
      system_prompt: string | null;
      revision: number;
      created_at: string;
      updated_at: string;
      started_by: components['schemas']['StartedByDto'] | null;
      active_message_count: number;
    };
    MessagePageDto: {
      chat_id: string;
      next_cursor: string | null;
      prev_cursor: string | null;
      qa_pairs: components['schemas']['PlacedPairDto'][];
    };
    NewShareDto: {
      response_id: string | null;
      chat_id: string;
      created_at: string;
      token: string;
      url: string;
      share_id: string;
      follow: boolean;
      expires_at: string | null;
    };
    PartDataDto: {
      name: string;
      type: 'data';
      value:
        | string
        | number
        | boolean
        | null
        | unknown[]
        | {
            [key: string]: unknown;
          };
    };
    PartFileDto: {
      file_id?: string;
      name?: string;
      type: 'file';
      bytes?: number;
      url?: string;
      media_type: string;
      sha256?: string;
      detail?: string;
    };
    PartInstructionDto: {
      type: 'instruction';
      role: 'system' | 'developer';
      text: string;
    };
    PartOtherDto: {
      type: 'other';
      value:
        | string
        | number
        | boolean
        | null
        | unknown[]
        | {
            [key: string]: unknown;
          };
      format: string;
    };
    PartReasoningDto: {
      type: 'reasoning';
      opaque?:
        | string
        | number
        | boolean
        | null
        | unknown[]
        | {
            [key: string]: unknown;
          };
      text: string;
      summary?: string;
    };
    PartRefusalDto: {
      type: 'refusal';
      text: string;
    };
    PartSourceDto: {
      type: 'source';
      url?: string;
      title?: string;
    } & {
      [key: string]: unknown;
    };
    PartTextDto: {
      type: 'text';
      phase?: 'commentary' | 'final_answer';
      annotations?: {
        [key: string]: unknown;
      }[];
      text: string;
    };
    PartToolCallDto: {
      name: string;
      type: 'tool_call';
      input:
        | string
        | number
        | boolean
        | null
        | unknown[]
        | {
            [key: string]: unknown;
          };
      call_id: string;
      provider_executed?: boolean;
    };
    PartToolResultDto: {
      type: 'tool_result';
      output:
        | string
        | number
        | boolean
        | null
        | unknown[]
        | {
            [key: string]: unknown;
          };
      call_id: string;
      is_error?: boolean;
    };
    PlacedPairDto: {
      response_id: string;
      chat_id: string;
      seq: number;
      question: string | null;
      response: string | null;
      question_parts:
        | (
            | components['schemas']['PartTextDto']
            | components['schemas']['PartInstructionDto']
            | components['schemas']['PartFileDto']
            | components['schemas']['PartToolResultDto']
            | components['schemas']['PartDataDto']
            | components['schemas']['PartOtherDto']
          )[]
        | null;
      response_parts:
        | (
            | components['schemas']['PartTextDto']
            | components['schemas']['PartFileDto']
            | components['schemas']['PartToolCallDto']
            | components['schemas']['PartToolResultDto']
            | components['schemas']['PartReasoningDto']
            | components['schemas']['PartSourceDto']
            | components['schemas']['PartRefusalDto']
            | components['schemas']['PartDataDto']
            | components['schemas']['PartOtherDto']
          )[]
        | null;
      message_type: 'text' | 'link' | 'code';
      author: string | null;
      status:
        'complete' | 'pending' | 'streaming' | 'failed' | 'cancelled' | 'interrupted' | 'redacted';
      metadata: {
        [key: string]: unknown;
      } | null;
      model: string | null;
      usage: components['schemas']['UsageDto'] | null;
      branches: string[];
      branches_total: number;
      version: number;
      timestamp: string;
      settings: {
        [key: string]: unknown;
      } | null;
      error: components['schemas']['AnswerErrorDto'] | null;
      siblings?: components['schemas']['StandingDto'];
    };
    QaPairDto: {
      response_id: string;
      chat_id: string;
      seq: number;
      question: string | null;
      response: string | null;
      question_parts:
        | (
            | components['schemas']['PartTextDto']
            | components['schemas']['PartInstructionDto']
            | components['schemas']['PartFileDto']
            | components['schemas']['PartToolResultDto']
            | components['schemas']['PartDataDto']
            | components['schemas']['PartOtherDto']
          )[]
        | null;
      response_parts:
        | (
            | components['schemas']['PartTextDto']
            | components['schemas']['PartFileDto']
            | components['schemas']['PartToolCallDto']
            | components['schemas']['PartToolResultDto']
            | components['schemas']['PartReasoningDto']
            | components['schemas']['PartSourceDto']
            | components['schemas']['PartRefusalDto']
            | components['schemas']['PartDataDto']
            | components['schemas']['PartOtherDto']
          )[]
        | null;
      message_type: 'text' | 'link' | 'code';
      author: string | null;
      status:
        'complete' | 'pending' | 'streaming' | 'failed' | 'cancelled' | 'interrupted' | 'redacted';
      metadata: {
        [key: string]: unknown;
      } | null;
      model: string | null;
      usage: components['schemas']['UsageDto'] | null;
      branches: string[];
      branches_total: number;
      version: number;
      timestamp: string;
      settings: {
        [key: string]: unknown;
      } | null;
      error: components['schemas']['AnswerErrorDto'] | null;
    };
    QaPairWithSiblingsDto: {
      response_id: string;
      chat_id: string;
      seq: number;
      question: string | null;
      response: string | null;
      question_parts:
        | (
            | components['schemas']['PartTextDto']
            | components['schemas']['PartInstructionDto']
            | components['schemas']['PartFileDto']
            | components['schemas']['PartToolResultDto']
            | components['schemas']['PartDataDto']
            | components['schemas']['PartOtherDto']
          )[]
        | null;
      response_parts:
        | (
            | components['schemas']['PartTextDto']
            | components['schemas']['PartFileDto']
            | components['schemas']['PartToolCallDto']
            | components['schemas']['PartToolResultDto']
            | components['schemas']['PartReasoningDto']
            | components['schemas']['PartSourceDto']
            | components['schemas']['PartRefusalDto']
            | components['schemas']['PartDataDto']
            | components['schemas']['PartOtherDto']
          )[]
        | null;
      message_type: 'text' | 'link' | 'code';
      author: string | null;
      status:
        'complete' | 'pending' | 'streaming' | 'failed' | 'cancelled' | 'interrupted' | 'redacted';
      metadata: {
        [key: string]: unknown;
      } | null;
      model: string | null;
      usage: components['schemas']['UsageDto'] | null;
      branches: string[];
      branches_total: number;
      version: number;
      timestamp: string;
      settings: {
        [key: string]: unknown;
      } | null;
      siblings: components['schemas']['SiblingDto'][];
      error: components['schemas']['AnswerErrorDto'] | null;
    };
    RefusedConversationDto: {
      code: string;
      message: string;
      conversation: string;
    };
    SiblingDto: {
      response_id: string;
      chat_id: string;
      seq: number;
      active: boolean;
    };
    SignInDto: {
      access_token: string;
      refresh_token: string;
      token_type: 'Bearer';
      expires_in: number;
      account: components['schemas']['AccountDto'];
    };
    StandingDto: {
      total: number;
      index: number;
      previous_response_id: string | null;
      next_response_id: string | null;
    };
    StartedByDto: {
      response_id: string;
    };
    TailDto: {
      chat_id: string;
      next_cursor?: string;
      qa_pairs: components['schemas']['QaPairDto'][];
    };
    UsageDto: {
      input_tokens: number;
      output_tokens: number;
      finish_reason?: 'length' | 'content_filter' | 'tool_calls' | 'error' | 'other';
      cached_tokens?: number;
      reasoning_tokens?: number;
      first_token_ms?: number;
    };
  };
  responses: never;
  parameters: never;
  requestBodies: never;
  headers: never;
  pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
