/** Shapes of the public API, as far as the page uses them; the whole is `/openapi.json`. */

export interface Account {
  account_id: string;
  email: string | null;
  name: string | null;
}

export interface Chat {
  chat_id: string;
  root_chat_id: string;
  parent_chat_id: string | null;
  fork_response_id: string | null;
  fork_seq: number;
  name: string | null;
  active: boolean;
  active_chat_id?: string;
  message_count: number;
  active_message_count?: number;
  pinned: boolean;
  archived: boolean;
  model: string | null;
  system_prompt: string | null;
  updated_at: string;
}

export type Status =
  'complete' | 'pending' | 'streaming' | 'failed' | 'cancelled' | 'interrupted' | 'redacted';

export interface Part {
  type: string;
  text?: string;
  role?: string;
  file_id?: string;
  url?: string;
  media_type?: string;
  name?: string;
  bytes?: number;
  call_id?: string;
  input?: unknown;
  output?: unknown;
  is_error?: boolean;
  summary?: string;
  title?: string;
  value?: unknown;
  format?: string;
}

export interface Usage {
  input_tokens: number;
  output_tokens: number;
  first_token_ms?: number;
  finish_reason?: string;
}

export interface Pair {
  response_id: string;
  chat_id: string;
  seq: number;
  question: string | null;
  response: string | null;
  question_parts?: Part[] | null;
  response_parts?: Part[] | null;
  message_type: 'text' | 'link' | 'code';
  metadata: Record<string, unknown> | null;
  author: string | null;
  status: Status;
  error?: { code: string; message: string } | null;
  model: string | null;
  usage: Usage | null;
  timestamp: string;
  branches: string[];
  branches_total: number;
  siblings?: Standing;
}

/** Where a pair stands among the continuations of its place. */
export interface Standing {
  index: number;
  total: number;
  previous_response_id: string | null;
  next_response_id: string | null;
}

export interface Sibling {
  chat_id: string;
  response_id: string;
  seq: number;
  active: boolean;
}

export interface Page {
  chat_id: string;
  qa_pairs: Pair[];
  prev_cursor: string | null;
  next_cursor: string | null;
}

export interface BranchItem {
  chat_id: string;
  parent_chat_id: string | null;
  fork_response_id: string | null;
  fork_seq: number;
  name: string | null;
  active: boolean;
  message_count: number;
  created_at: string;
}

export interface Branches {
  root_chat_id: string;
  active_chat_id: string;
  total: number;
  items: BranchItem[];
}

export interface Compared {
  common: { chat_id: string; response_id: string; seq: number } | null;
  left: { chat_id: string; qa_pairs: Pair[] };
  right: { chat_id: string; qa_pairs: Pair[] };
}

export interface Highlight {
  text: string;
  /** Pairs of positions in `text`: from, and up to. */
  ranges: [number, number][];
}

export interface Hit {
  response_id: string;
  chat_id: string;
  seq: number;
  root_chat_id: string;
  name: string | null;
  highlight: { question?: Highlight; response?: Highlight };
  visible_in: string[];
  timestamp: string;
}

export interface Share {
  share_id: string;
  token?: string;
  url?: string;
  created_at: string;
}

export interface ImportJob {
  import_id: string;
  status: string;
}

export interface FileInfo {
  file_id: string;
  name: string | null;
  media_type: string;
  bytes: number;
}
