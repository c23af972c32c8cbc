import { type Collection, mongo } from 'mongoose';
import { DUPLICATE_KEY } from './bulk.js';
import type { ChatContents } from './chat-contents.schema.js';
import type { ChatParts } from './chat-parts.schema.js';

/** Until this version documents were named without their account: `<chat_id>:<number>`. */
const OLD_NAME = /^[^:]+:[^:]+$/;
const MARK = 'names';
const AT_ONCE = 50;

interface NamedDocument {
  _id: string;
  account_id: string;
}
/** Waits for a bounded time: a server may fall silent in the middle. */
export type Soon = <Result>(work: Promise<Result>) => Promise<Result>;

/** Beside the tries of writing, so that no further collection has to be known. */
export type Marks = Collection<{ _id: string; at: Date }>;

/**
 * Gives documents that were written before this version the names of today, before anybody looks
 * for them; once for each database. What a death leaves behind is gone on with: a document is there
 * under its new name before it goes under the old one. Servers of the version before must have
 * stopped, as they would not find what is renamed.
 */
export async function renameOld(
  chats: Collection<ChatContents>,
  parts: Collection<ChatParts>,
  marks: Marks,
  soon: Soon,
): Promise<void> {
  if (await soon(marks.findOne({ _id: MARK }))) return;
  await renameIn(chats as unknown as Collection<NamedDocument>, soon);
  await renameIn(parts as unknown as Collection<NamedDocument>, soon);
  await soon(marks.updateOne({ _id: MARK }, { $set: { at: new Date() } }, { upsert: true })).catch(
    (error: unknown) => {
      // It only saves the look next time, and a server that takes no writes can be read.
      if (!(error instanceof mongo.MongoServerError)) throw error;
    },
  );
}

async function renameIn(documents: Collection<NamedDocument>, soon: Soon): Promise<void> {
  for (;;) {
    const old = await soon(
      documents
        .find({ _id: { $regex: OLD_NAME } })
        .project<Pick<NamedDocument, '_id'>>({ _id: 1 })
        .limit(AT_ONCE)
        .toArray(),
    );
    if (old.length === 0) return;
    // One after the other: each may have megabytes.
    for (const { _id } of old) await soon(rename(documents, _id));
  }
}

async function rename(documents: Collection<NamedDocument>, _id: string): Promise<void> {
  const document = await documents.findOne({ _id });
  if (!document) return; // another instance was quicker
  await documents
    .insertOne({ ...document, _id: `${document.account_id}:${_id}` })
    .catch((error: { code?: number }) => {
      if (error.code !== DUPLICATE_KEY) throw error;
    });
  await documents.deleteOne({ _id });
}
