import { ApiProperty } from '@nestjs/swagger';
import type { SignInRow } from './refresh-tokens.sql.js';

/** A sign-in that still stands: its refresh token can be exchanged. */
export class AuthSessionDto {
  /** @example 019aa1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b */
  @ApiProperty({ format: 'uuid' })
  session_id!: string;

  /**
   * What it signed in with, as that calls itself; null where it said nothing.
   * @example Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0
   */
  @ApiProperty({ type: String, nullable: true })
  user_agent!: string | null;

  /** Whether the request came from it. */
  current!: boolean;

  /** @example 2026-11-21T09:30:00.000Z */
  @ApiProperty({ format: 'date-time' })
  created_at!: string;

  /** When it got its newest tokens. */
  @ApiProperty({ format: 'date-time' })
  refreshed_at!: string;

  /** When it ends, unless it gets new tokens until then. */
  @ApiProperty({ format: 'date-time' })
  expires_at!: string;
}

export class AuthSessionPageDto {
  /** Newest first. */
  items!: AuthSessionDto[];

  @ApiProperty({ type: String, nullable: true })
  next_cursor!: string | null;
}

export const toAuthSessionDto = (row: SignInRow, current?: string): AuthSessionDto => ({
  session_id: row.family_id,
  user_agent: row.user_agent,
  current: row.family_id === current,
  created_at: row.created_at.toISOString(),
  refreshed_at: row.refreshed_at.toISOString(),
  expires_at: row.expires_at.toISOString(),
});
