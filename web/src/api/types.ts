/** What the page knows of the public API, under its own names: the shapes are of `openapi.json`. */
import type { components } from './schemas';

type Schemas = components['schemas'];

export type Account = Schemas['AccountDto'];
export type SignedIn = Schemas['SignInDto'];
export type Chat = Schemas['ChatDto'];
/** With the length of the branch that is open. */
export type ListedChat = Schemas['ListedChatDto'];
export type ChatPage = Schemas['ChatPageDto'];

export type Page = Schemas['MessagePageDto'];
/** `siblings` says where it stands among the continuations of its place. */
export type Pair = Schemas['PlacedPairDto'];
export type PairWithSiblings = Schemas['QaPairWithSiblingsDto'];
export type Standing = Schemas['StandingDto'];
export type FannedOut = Schemas['FanOutAnswerDto'];

export type QuestionPart = NonNullable<Pair['question_parts']>[number];
export type ResponsePart = NonNullable<Pair['response_parts']>[number];
export type Part = QuestionPart | ResponsePart;

/** A page of the branches of a conversation, in the order of their making. */
export type Branches = Schemas['BranchTreeDto'];
export type BranchItem = Schemas['BranchItemDto'];
export type Compared = Schemas['ComparisonDto'];

export type HitPage = Schemas['HitPageDto'];
export type Hit = HitPage['items'][number];
/** Words around what was found; `ranges` are pairs of positions in `text`: from, and up to. */
export type Excerpt = Schemas['ExcerptDto'];

export type Share = Schemas['NewShareDto'];
export type ImportJob = Schemas['ImportDto'];
export type FileInfo = Schemas['FileDto'];
