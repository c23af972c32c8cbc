import { Prop, type SchemaOptions } from '@nestjs/mongoose';

/** What the collections of words have in common; collections and indexes are made at the start. */
export const collectionOf = (collection: string): SchemaOptions => ({
  collection,
  versionKey: false,
  strict: 'throw',
  strictQuery: 'throw',
  minimize: false,
  autoCreate: false,
  autoIndex: false,
});

/** Whose the words of a document are. `root_chat_id` is what both collections are sharded by. */
export class OfChat {
  @Prop({ type: String })
  _id!: string;

  @Prop({ type: String })
  account_id!: string;

  @Prop({ type: String })
  root_chat_id!: string;

  @Prop({ type: String })
  chat_id!: string;
}
