import { type FilePlace, parseFilePlace } from './file-places.js';
import { Parsed, Text, Whole } from './setting-rules.js';

const MIB = 1024 * 1024;

/** The settings of files; a part of `Config`. */
export class FileSettings {
  /**
   * Where the bytes of new files go: postgres, gridfs, or s3://bucket/folder. When absent: gridfs
   * where there is MongoDB, else postgres. Older files stay where they are.
   */
  @Parsed(parseFilePlace)
  FILE_STORE?: FilePlace;

  /** The S3 store that older files are in, where FILE_STORE is another one by now. */
  @Parsed(parseFilePlace)
  FILE_STORE_BEFORE?: FilePlace;

  /**
   * Key of the S3 store. Without it, Amazon's own client looks where it always does: at the role of
   * the machine and in the environment.
   */
  @Text((text) => /^\S+$/.test(text), 'must be a key without white space')
  S3_ACCESS_KEY_ID?: string;

  /** What belongs to S3_ACCESS_KEY_ID, and nobody else may know. */
  @Text((text) => /^\S+$/.test(text), 'must be a key without white space')
  S3_SECRET_ACCESS_KEY?: string;

  /** How large one file may be, in bytes. */
  @Whole(1, 5 * 1024 * 1024 * MIB)
  FILE_BYTES_MAX = 64 * MIB;

  /** How much the files of one account may take together, in MiB; 0 is no limit. */
  @Whole(0, 1_000_000_000)
  FILES_PER_ACCOUNT_MB = 10_240;

  /**
   * How much the files of one question to a model may have together, in bytes. They are whole in
   * memory while it is asked, some five times: as such, in base64, and in the JSON around that.
   */
  @Whole(1, 1024 * MIB)
  LLM_FILES_BYTES_MAX = 32 * MIB;
}

/** What is wrong with them together with other settings. */
export function fileFaults({
  FILE_STORE: now,
  FILE_STORE_BEFORE: before,
  DATABASE_URL,
  MONGODB_URI,
  ...keys
}: FileSettings & { DATABASE_URL?: string; MONGODB_URI?: string }): string[] {
  const faults: string[] = [];
  if (now?.store === 'gridfs' && DATABASE_URL && !MONGODB_URI)
    faults.push(
      'FILE_STORE must not be gridfs without MONGODB_URI: set it, or leave FILE_STORE out',
    );
  // What could not be read has its own fault.
  if (typeof now === 'string' || typeof before === 'string') return faults;
  if (before && (before.store !== 's3' || now?.store === 's3'))
    faults.push(
      'FILE_STORE_BEFORE must be an S3 store, and only where FILE_STORE is none: files in PostgreSQL and GridFS are found without it, and those of one S3 store are copied into the next by hand',
    );
  return [
    ...faults,
    ...keyFaults(
      keys,
      [now, before].find((place) => place?.store === 's3'),
    ),
  ];
}

function keyFaults(
  {
    S3_ACCESS_KEY_ID: id,
    S3_SECRET_ACCESS_KEY: secret,
  }: Pick<FileSettings, 'S3_ACCESS_KEY_ID' | 'S3_SECRET_ACCESS_KEY'>,
  place: FilePlace | undefined,
): string[] {
  if (!id !== !secret)
    return [
      `${id ? 'S3_SECRET_ACCESS_KEY' : 'S3_ACCESS_KEY_ID'} must be set together with ${id ? 'S3_ACCESS_KEY_ID' : 'S3_SECRET_ACCESS_KEY'}`,
    ];
  if (id && !place)
    return [
      'FILE_STORE must be s3://… where S3_ACCESS_KEY_ID is set: name the bucket, or leave the keys out',
    ];
  if (!id && place?.store === 's3' && place.endpoint)
    return [
      'S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY must be set where FILE_STORE names an endpoint: only Amazon’s own stores know the role of a machine',
    ];
  return [];
}
