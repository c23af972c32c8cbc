import { OneOf, Whole } from './setting-rules.js';

const MIB = 1024 * 1024;

/** The settings of files; a part of `Config`. */
export class FileSettings {
  /**
   * Where the bytes of new files go: postgres, or gridfs. When absent: gridfs where there is
   * MongoDB, else postgres. Older files stay where they are.
   */
  @OneOf(['postgres', 'gridfs'])
  FILE_STORE?: 'postgres' | 'gridfs';

  /** How large one file may be, in bytes. */
  @Whole(1, 5 * 1024 * 1024 * MIB)
  FILE_BYTES_MAX = 64 * MIB;

  /** How much the files of one account may take together, in MiB; 0 is no limit. */
  @Whole(0, 1_000_000_000)
  FILES_PER_ACCOUNT_MB = 10_240;
}

/** What is wrong with them together with other settings. */
export const fileFaults = ({
  FILE_STORE,
  DATABASE_URL,
  MONGODB_URI,
}: FileSettings & { DATABASE_URL?: string; MONGODB_URI?: string }): string[] =>
  FILE_STORE === 'gridfs' && DATABASE_URL && !MONGODB_URI
    ? ['FILE_STORE must not be gridfs without MONGODB_URI: set it, or leave FILE_STORE out']
    : [];
