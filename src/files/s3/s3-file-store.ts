import type { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompletedPart,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { isUuid } from '../../common/ids.js';
import type { S3Address } from '../../config/file-places.js';
import {
  type BlobRef,
  type ByteRange,
  BytesMissingError,
  FileStore,
  inPieces,
} from '../file-store.js';
import { S3Connection, type S3Keys, statusOf } from './s3-connection.js';

/** The least that S3 takes of all parts but the last one; one at a time is in memory. */
const PART_BYTES_MIN = 5 * 1024 * 1024;
/** As many as S3 takes of one object. */
const PARTS_MAX = 10_000;
/** What one request reads. A reader that is slow keeps this much waiting, and no connection. */
const READ_BYTES = 1024 * 1024;

interface ObjectPlace {
  Bucket: string;
  Key: string;
}

/**
 * Bytes as objects of a store that speaks S3. Large ones go as parts, which become an object at
 * their end; parts of a write that was cut off are no object, and are taken away by `remove`.
 */
export class S3FileStore extends FileStore {
  override readonly name = 's3';
  private readonly s3: S3Connection;
  private readonly partBytes: number;

  /** @param keys absent: where Amazon's own client finds them */
  constructor(
    private readonly address: S3Address,
    keys: S3Keys | null,
    fileBytesMax: number,
  ) {
    super();
    this.s3 = new S3Connection(address, keys);
    this.partBytes = Math.max(PART_BYTES_MIN, Math.ceil(fileBytesMax / PARTS_MAX));
  }

  override async write(blob: BlobRef, bytes: AsyncIterable<Buffer>): Promise<void> {
    const place = this.at(blob);
    let upload: PartsUpload | null = null;
    try {
      for await (const piece of inPieces(bytes, this.partBytes)) {
        if (!upload && piece.length < this.partBytes) return await this.put(place, piece);
        upload ??= await PartsUpload.begin(this.s3, place);
        await upload.add(piece);
      }
      await (upload?.end() ?? this.put(place, Buffer.alloc(0)));
    } catch (error) {
      await upload?.abort().catch(() => undefined);
      throw error;
    }
  }

  override async *read(blob: BlobRef, { from, to }: ByteRange): AsyncIterable<Buffer> {
    for (let at = from; at < to; at += READ_BYTES)
      yield await this.piece(blob, { from: at, to: Math.min(at + READ_BYTES, to) });
  }

  override async remove(blob: BlobRef): Promise<void> {
    const place = this.at(blob);
    for (const UploadId of await this.begun(place))
      await this.s3.run((client, signal) =>
        client.send(new AbortMultipartUploadCommand({ ...place, UploadId }), signal),
      );
    await this.s3.run((client, signal) => client.send(new DeleteObjectCommand(place), signal));
  }

  override async sizeOf(blob: BlobRef): Promise<number | null> {
    try {
      const { ContentLength: bytes } = await this.s3.run((client, signal) =>
        client.send(new HeadObjectCommand(this.at(blob)), signal),
      );
      return bytes ?? null;
    } catch (error) {
      if (statusOf(error) === 404) return null;
      throw error;
    }
  }

  /** What else is in the bucket is none of ours. */
  override async page(after: BlobRef | null, limit: number): Promise<BlobRef[]> {
    const { bucket: Bucket, prefix } = this.address;
    for (let last = after && this.at(after).Key; ;) {
      const { Contents: found = [], IsTruncated: isMore } = await this.s3.run((client, signal) =>
        client.send(
          new ListObjectsV2Command({
            Bucket,
            Prefix: prefix,
            MaxKeys: limit,
            ...(last !== null && { StartAfter: last }),
          }),
          signal,
        ),
      );
      const blobs = found.flatMap(({ Key: key = '' }) => refOf(key.slice(prefix.length)) ?? []);
      last = found.at(-1)?.Key ?? null;
      if (blobs.length > 0 || !isMore || last === null) return blobs;
    }
  }

  override async ping(): Promise<void> {
    await this.s3.run((client, signal) =>
      client.send(new HeadBucketCommand({ Bucket: this.address.bucket }), signal),
    );
  }

  override async close(): Promise<void> {
    this.s3.close();
  }

  private at({ accountId, blobId }: BlobRef): ObjectPlace {
    const { bucket, prefix } = this.address;
    return { Bucket: bucket, Key: `${prefix}${accountId}/${blobId}` };
  }

  private async put(place: ObjectPlace, Body: Buffer): Promise<void> {
    await this.s3.run((client, signal) =>
      client.send(new PutObjectCommand({ ...place, Body }), signal),
    );
  }

  private piece(blob: BlobRef, { from, to }: ByteRange): Promise<Buffer> {
    const Range = `bytes=${from}-${to - 1}`;
    return this.s3.run(async (client, signal) => {
      try {
        const { Body: body } = await client.send(
          new GetObjectCommand({ ...this.at(blob), Range }),
          signal,
        );
        return await collected(body as Readable, to - from);
      } catch (error) {
        // 416: it ends before this range begins
        if (![404, 416].includes(statusOf(error) ?? 0)) throw error;
        throw new BytesMissingError('a file is not in S3');
      }
    });
  }

  private async begun(place: ObjectPlace): Promise<string[]> {
    try {
      const { Uploads: uploads = [] } = await this.s3.run((client, signal) =>
        client.send(
          new ListMultipartUploadsCommand({ Bucket: place.Bucket, Prefix: place.Key }),
          signal,
        ),
      );
      return uploads.flatMap(({ Key, UploadId }) =>
        Key === place.Key && UploadId ? UploadId : [],
      );
    } catch (error) {
      // Not every store can tell; such a one forgets them by a rule of its own.
      if ([404, 405, 501].includes(statusOf(error) ?? 0)) return [];
      throw error;
    }
  }
}

/** An object that comes in parts, one after the other. */
class PartsUpload {
  private readonly parts: CompletedPart[] = [];

  private constructor(
    private readonly s3: S3Connection,
    private readonly upload: ObjectPlace & { UploadId: string },
  ) {}

  static async begin(s3: S3Connection, place: ObjectPlace): Promise<PartsUpload> {
    const { UploadId } = await s3.run((client, signal) =>
      client.send(new CreateMultipartUploadCommand(place), signal),
    );
    return new PartsUpload(s3, { ...place, UploadId: UploadId! });
  }

  async add(Body: Buffer): Promise<void> {
    const PartNumber = this.parts.length + 1;
    const { ETag } = await this.s3.run((client, signal) =>
      client.send(new UploadPartCommand({ ...this.upload, PartNumber, Body }), signal),
    );
    this.parts.push({ PartNumber, ...(ETag !== undefined && { ETag }) });
  }

  async end(): Promise<void> {
    const MultipartUpload = { Parts: this.parts };
    await this.s3.run(
      (client, signal) =>
        client.send(
          new CompleteMultipartUploadCommand({ ...this.upload, MultipartUpload }),
          signal,
        ),
      { takesLong: true },
    );
  }

  async abort(): Promise<void> {
    await this.s3.run((client, signal) =>
      client.send(new AbortMultipartUploadCommand(this.upload), signal),
    );
  }
}

function refOf(name: string): BlobRef | null {
  const [accountId = '', blobId = '', ...more] = name.split('/');
  return isUuid(accountId) && isUuid(blobId) && more.length === 0 ? { accountId, blobId } : null;
}

/** @throws BytesMissingError where they are fewer */
async function collected(body: Readable, bytes: number): Promise<Buffer> {
  const all = Buffer.allocUnsafe(bytes);
  let filled = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) filled += chunk.copy(all, filled);
  if (filled < bytes) throw new BytesMissingError('an object of S3 is shorter than its file');
  return all;
}
