import { Prop, Schema, SchemaFactory } from '@nestjs/mongoose';
import { collectionOf, OfChat } from './of-chat.schema.js';

/**
 * What a pair is made of besides its texts, where that is too much for its bucket: one document for
 * a pair, of one version of it. Its element in the bucket says that it is here (`parts_apart`).
 */
@Schema(collectionOf('chat_parts'))
export class ChatParts extends OfChat {
  /** `partsId(account_id, chat_id, seq)`: two writers cannot make it twice. */
  declare _id: string;

  @Prop({ type: Number })
  seq!: number;

  @Prop({ type: String })
  response_id!: string;

  /** That of the pair to which this belongs. */
  @Prop({ type: Number })
  version!: number;

  /** JSON, or null. */
  @Prop({ type: String })
  question_parts!: string | null;

  @Prop({ type: String })
  response_parts!: string | null;

  @Prop({ type: String })
  settings!: string | null;
}
export const ChatPartsSchema = SchemaFactory.createForClass(ChatParts);
// For all of a chat or of a conversation (removal, people who look one up).
ChatPartsSchema.index({ root_chat_id: 1, chat_id: 1, seq: 1 });

export const partsId = (accountId: string, chatId: string, seq: number): string =>
  `${accountId}:${chatId}:${seq}`;
