import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { JwtModule } from '@nestjs/jwt';
import { TypeOrmModule } from '@nestjs/typeorm';
import { RateLimiter, RateLimitSettings } from '../../common/rate-limiter.js';
import { Config } from '../../config/config.js';
import { AccessTokensService } from './access-tokens.service.js';
import { Account } from './account.entity.js';
import { AccountsService } from './accounts.service.js';
import { ApiKey } from './api-key.entity.js';
import { ApiKeysController } from './api-keys.controller.js';
import { ApiKeysService } from './api-keys.service.js';
import { AuthController } from './auth.controller.js';
import { AuthGuard } from './auth.guard.js';
import { AuthService } from './auth.service.js';
import { Authenticator } from './authenticator.service.js';
import { Clock } from './clock.js';
import { Doorkeeper } from './doorkeeper.js';
import { Credentials } from './credentials.service.js';
import { Guesses } from './guesses.service.js';
import { JwtStrategy } from './jwt.strategy.js';
import { LivenessService } from './liveness.service.js';
import { LocalKeys } from './local-keys.js';
import { OutsideJwtStrategy } from './outside-jwt.strategy.js';
import { OutsideKeys } from './outside-keys.js';
import { PasswordResets } from './password-resets.service.js';
import { PasswordsService } from './passwords.service.js';
import { Presence } from './presence.service.js';
import { RefreshTokensService } from './refresh-tokens.service.js';
import { SignInsController } from './sign-ins.controller.js';
import { SignIns } from './sign-ins.service.js';
import { Tickets } from './tickets.service.js';
import { TokenVerifier } from './token-verifier.service.js';

const rateLimitSettings = {
  provide: RateLimitSettings,
  inject: [Config],
  useFactory: (config: Config): RateLimitSettings => ({
    accountPerMinute: config.RATE_LIMIT_PER_MINUTE,
    addressPerMinute: config.RATE_LIMIT_AUTH_PER_MINUTE,
    strangersPerMinute: config.RATE_LIMIT_STRANGERS_PER_MINUTE,
    passwordsPerMinute: config.RATE_LIMIT_PASSWORD_PER_MINUTE,
    redisUrl: config.REDIS_URL,
  }),
};

/** Accounts, tokens, the doorkeeper that stands before every route, and who is connected. */
@Module({
  imports: [TypeOrmModule.forFeature([Account, ApiKey]), JwtModule.register({})],
  controllers: [AuthController, ApiKeysController, SignInsController],
  providers: [
    AccessTokensService,
    AccountsService,
    ApiKeysService,
    AuthService,
    Authenticator,
    Clock,
    Doorkeeper,
    Credentials,
    Guesses,
    JwtStrategy,
    LivenessService,
    LocalKeys,
    OutsideJwtStrategy,
    OutsideKeys,
    PasswordResets,
    PasswordsService,
    Presence,
    RefreshTokensService,
    SignIns,
    Tickets,
    TokenVerifier,
    rateLimitSettings,
    RateLimiter,
    { provide: APP_GUARD, useClass: AuthGuard },
  ],
  exports: [Authenticator, Doorkeeper, Presence, RateLimiter, Tickets],
})
export class AuthModule {}
