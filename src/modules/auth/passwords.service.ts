import { availableParallelism } from 'node:os';
import { Injectable } from '@nestjs/common';
import { hash, verify } from '@node-rs/argon2';
import { Gate } from './gate.js';
import { preparedPassword } from './password-rules.js';

/**
 * OWASP's and RFC 9106's smaller profile. 2 is argon2id: the package's enum is `const` and cannot
 * be imported under isolatedModules.
 */
const ARGON2 = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/**
 * At most 4 hashes of 19 MiB at once, or many sign-ins would fill the memory; and more than there
 * are cores gain nothing.
 */
const HASHES_AT_ONCE = Math.min(4, availableParallelism());

/** Of a random password that was thrown away, with the parameters above. */
const NOBODYS_HASH =
  '$argon2id$v=19$m=19456,t=2,p=1$Df75Tnm18VzD4SUz+DCIsw$G9xkk91SFeF4RlUgktQcvZ1XRrYXkDiO4gJyFDtwgSU';

/** Hashes passwords with argon2id, about 30 ms each, in the thread pool. */
@Injectable()
export class PasswordsService {
  private readonly gate = new Gate(HASHES_AT_ONCE);

  /** Answers a PHC string with its own random salt. */
  hash(password: string): Promise<string> {
    return this.gate.run(() => hash(preparedPassword(password), ARGON2));
  }

  /**
   * Takes the same time whether there is a hash or not, so that nobody can ask which accounts
   * exist.
   */
  async verify(password: string, passwordHash: string | null): Promise<boolean> {
    // Hashes of before passwords were prepared are of the raw text.
    for (const text of new Set([preparedPassword(password), password])) {
      const fits = await this.gate.run(() => verify(passwordHash ?? NOBODYS_HASH, text));
      if (fits) return passwordHash !== null;
    }
    return false;
  }
}
