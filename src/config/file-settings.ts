import { Whole } from './setting-rules.js';

const MIB = 1024 * 1024;

/** The settings of files; a part of `Config`. */
export class FileSettings {
  /** How large one file may be, in bytes. */
  @Whole(1, 5 * 1024 * 1024 * MIB)
  FILE_BYTES_MAX = 64 * MIB;

  /** How much the files of one account may take together, in MiB; 0 is no limit. */
  @Whole(0, 1_000_000_000)
  FILES_PER_ACCOUNT_MB = 10_240;
}
