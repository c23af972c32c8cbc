import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { newId } from '../../common/ids.js';
import type { Principal } from '../../common/principal.js';
import { invalidField, problems } from '../../common/problems.js';
import { Database, type Statement, untilDone } from '../../database/database.js';
import { ApiKey } from './api-key.entity.js';
import { Clock } from './clock.js';
import { LivenessService } from './liveness.service.js';
import { makeToken, readToken, type TokenRecord } from '../../common/opaque-token.js';

/** More keys than programs; it keeps the list one short page. */
const KEYS_MAX = 100;

const FIND_KEY: Statement = {
  name: 'auth.find-api-key',
  text: `SELECT api_key_id, expires_at FROM api_keys WHERE account_id = $1 AND key_hash = $2`,
};

/** Long-lived bearer tokens for programs. */
@Injectable()
export class ApiKeysService {
  constructor(
    @InjectRepository(ApiKey) private readonly keys: Repository<ApiKey>,
    private readonly database: Database,
    private readonly liveness: LivenessService,
    private readonly clock: Clock,
  ) {}

  /**
   * Makes a key; its text is answered here and never again.
   * @throws `validation_failed` for an end in the past, and when the account has 100 keys
   */
  async create(
    accountId: string,
    name: string,
    expiresAt: Date | null,
  ): Promise<{ key: ApiKey; text: string }> {
    const now = this.clock.now();
    if (expiresAt && expiresAt.getTime() <= now)
      throw invalidField('expires_at', 'must be in the future');
    if ((await this.keys.countBy({ accountId })) >= KEYS_MAX)
      throw invalidField('name', `the account has ${KEYS_MAX} API keys; delete one first`);
    const text = makeToken('bak', accountId);
    const { hash: keyHash } = readToken('bak', text) as TokenRecord;
    const key: ApiKey = {
      accountId,
      apiKeyId: newId(),
      keyHash,
      name,
      createdAt: new Date(now),
      expiresAt,
    };
    await untilDone(() => this.keys.insert(key));
    return { key, text };
  }

  /** The account's keys, newest first; ended ones too, until they are deleted. */
  list(accountId: string): Promise<ApiKey[]> {
    return this.keys.find({ where: { accountId }, order: { apiKeyId: 'DESC' } });
  }

  /** @throws `api_key_not_found` */
  async delete(accountId: string, apiKeyId: string): Promise<void> {
    const { affected } = await untilDone(() => this.keys.delete({ accountId, apiKeyId }));
    if (affected !== 1) throw problems.apiKeyNotFound();
    this.liveness.end({ accountId, apiKeyId });
  }

  /** Whose key it is; null when it is nobody's or has ended. */
  async authenticate(text: string): Promise<Principal | null> {
    const record = readToken('bak', text);
    if (!record) return null;
    const [row] = await this.database.query<{ api_key_id: string; expires_at: Date | null }>(
      FIND_KEY,
      [record.accountId, record.hash],
    );
    if (!row) return null;
    const expiresAt = row.expires_at?.getTime() ?? null;
    if (expiresAt !== null && expiresAt <= this.clock.now()) return null;
    const principal = { accountId: record.accountId, apiKeyId: row.api_key_id, expiresAt };
    this.liveness.confirm(principal);
    return principal;
  }
}
