import { IsOptional, isEmail, ValidateBy } from 'class-validator';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Read } from '../../common/dto-reader.js';
import { IsSaid } from '../../common/fields.js';
import { isLonger } from '../../common/text-length.js';
import type { Account } from './account.entity.js';
import { IsPassword, RAW_PASSWORD_CHARS_MAX } from './password-rules.js';
import type { SignedIn } from './auth.service.js';

const EMAIL_CHARS_MAX = 254;
/** More than ours have: a token of another kind is told that it is wrong, not that it is long. */
const TOKEN_CHARS_MAX = 512;

const Trim = () => Read((value) => (typeof value === 'string' ? value.trim() : value));
/** What is too long is refused as it is. */
const LowerCase = () =>
  Read((value) =>
    typeof value === 'string' && !isLonger(value, EMAIL_CHARS_MAX) ? value.toLowerCase() : value,
  );

const IsEmailAddress = () =>
  ValidateBy({
    name: 'isEmailAddress',
    validator: {
      validate: (value: unknown) =>
        typeof value === 'string' && !isLonger(value, EMAIL_CHARS_MAX) && isEmail(value),
      defaultMessage: () => `must be an e-mail address of at most ${EMAIL_CHARS_MAX} characters`,
    },
  });

export class LoginDto {
  /**
   * Trimmed and read in lower case.
   * @example ada@example.com
   */
  @ApiProperty({ format: 'email', maxLength: EMAIL_CHARS_MAX })
  @Trim()
  @LowerCase()
  @IsEmailAddress()
  email!: string;

  /** As it was set. One that cannot be right is a wrong one, not a malformed one. */
  @ApiProperty({
    format: 'password',
    maxLength: RAW_PASSWORD_CHARS_MAX,
    example: 'four small blue boats',
  })
  @IsSaid({ charsMax: RAW_PASSWORD_CHARS_MAX, blank: true })
  password!: string;
}

export class RegisterDto extends LoginDto {
  /**
   * 8 to 128 characters, neither trimmed nor cut; the same characters are the same password,
   * however a keyboard encodes them (NFC).
   */
  @ApiProperty({
    format: 'password',
    minLength: 8,
    maxLength: 128,
    example: 'four small blue boats',
  })
  @IsPassword()
  declare password: string;

  /**
   * What to call the account's owner.
   * @example Ada
   */
  @ApiPropertyOptional({ type: String, nullable: true, maxLength: 200 })
  @IsOptional()
  @Trim()
  @IsSaid({ charsMax: 200 })
  name?: string | null;

  /**
   * What `banyan admin invite` says (`biv_…`): needed where `REGISTRATION` is `invite`. Good once.
   */
  @ApiPropertyOptional({
    ...{ type: String, nullable: true, maxLength: TOKEN_CHARS_MAX },
    // Swagger UI sends what it finds here: most servers want none.
    example: null,
  })
  @IsOptional()
  @IsSaid({ charsMax: TOKEN_CHARS_MAX })
  invitation?: string | null;
}

export class ResetPasswordDto {
  /**
   * What `banyan admin reset-password` says. Good once.
   * @example bpr_AZqfN8tMc0-YlL7yq3u2eA_0m1v0w9mXo3h1kq4v7n0aYb2cQy8dJ5eLr6fTs9gUwI
   */
  @ApiProperty({ minLength: 1, maxLength: TOKEN_CHARS_MAX })
  @IsSaid({ charsMax: TOKEN_CHARS_MAX })
  token!: string;

  /** 8 to 128 characters, by the rules of register. */
  @ApiProperty({
    format: 'password',
    minLength: 8,
    maxLength: 128,
    example: 'two large green kites',
  })
  @IsPassword()
  new_password!: string;
}

export class ChangePasswordDto {
  /** As it was set. */
  @ApiProperty({
    format: 'password',
    maxLength: RAW_PASSWORD_CHARS_MAX,
    example: 'four small blue boats',
  })
  @IsSaid({ charsMax: RAW_PASSWORD_CHARS_MAX, blank: true })
  current_password!: string;

  /** 8 to 128 characters, by the rules of register. */
  @ApiProperty({
    format: 'password',
    minLength: 8,
    maxLength: 128,
    example: 'two large green kites',
  })
  @IsPassword()
  new_password!: string;
}

export class RefreshTokenDto {
  /**
   * The newest refresh token of the sign-in.
   * @example brt_AZqfN8tMc0-YlL7yq3u2eA_0m1v0w9mXo3h1kq4v7n0aYb2cQy8dJ5eLr6fTs9gUwI
   */
  @ApiProperty({ minLength: 1, maxLength: TOKEN_CHARS_MAX })
  @IsSaid({ charsMax: TOKEN_CHARS_MAX })
  refresh_token!: string;
}

export class AccountDto {
  /** @example 019aa1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b */
  @ApiProperty({ format: 'uuid' })
  account_id!: string;

  /**
   * Null for accounts of an outside issuer.
   * @example ada@example.com
   */
  @ApiProperty({ type: String, nullable: true })
  email!: string | null;

  /** @example Ada */
  @ApiProperty({ type: String, nullable: true })
  name!: string | null;

  /** @example 2026-11-21T09:30:00.000Z */
  @ApiProperty({ format: 'date-time' })
  created_at!: string;
}

export class SignInDto {
  /** A JWT. Send it as `Authorization: Bearer …`. */
  access_token!: string;

  /** Good for one exchange at `POST /auth/refresh`, which answers the next one. */
  refresh_token!: string;

  @ApiProperty({ enum: ['Bearer'] })
  token_type!: 'Bearer';

  /**
   * Seconds for which the access token is good.
   * @example 900
   */
  @ApiProperty({ type: 'integer' })
  expires_in!: number;

  account!: AccountDto;
}

export const toAccountDto = ({ accountId, email, name, createdAt }: Account): AccountDto => ({
  account_id: accountId,
  email,
  name,
  created_at: createdAt.toISOString(),
});

export const toSignInDto = (
  { account, signIn }: SignedIn,
  accessToken: string,
  expiresIn: number,
): SignInDto => ({
  access_token: accessToken,
  refresh_token: signIn.refreshToken,
  token_type: 'Bearer',
  expires_in: expiresIn,
  account: toAccountDto(account),
});
