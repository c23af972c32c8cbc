import { Injectable } from '@nestjs/common';

/** The time, as something that a test can replace. */
@Injectable()
export class Clock {
  /** Milliseconds since 1970. */
  now(): number {
    return Date.now();
  }
}
