import { Body, Controller, Get, HttpCode, HttpStatus, Post, Put, Req } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { ApiProblems } from '../../common/api-problems.js';
import { CurrentAccount } from '../../common/current-account.js';
import { problems } from '../../common/problems.js';
import { Public } from '../../common/public.js';
import { AccessTokensService } from './access-tokens.service.js';
import {
  AccountDto,
  ChangePasswordDto,
  LoginDto,
  RefreshTokenDto,
  RegisterDto,
  ResetPasswordDto,
  SignInDto,
  toAccountDto,
  toSignInDto,
} from './auth.dto.js';
import { AuthService, type SignedIn } from './auth.service.js';
import { PasswordResets } from './password-resets.service.js';
import type { Device } from './refresh-tokens.service.js';

@ApiTags('auth')
@Controller('auth')
export class AuthController {
  constructor(
    private readonly auth: AuthService,
    private readonly accessTokens: AccessTokensService,
    private readonly passwordResets: PasswordResets,
  ) {}

  @Post('register')
  @Public()
  @ApiOperation({ operationId: 'register', summary: 'Make an account and sign in', security: [] })
  @ApiCreatedResponse({ type: SignInDto })
  @ApiProblems(problems.registrationClosed, problems.emailTaken)
  async register(
    @Body() { email, password, name = null, invitation = null }: RegisterDto,
    @Req() request: FastifyRequest,
  ): Promise<SignInDto> {
    return this.withAccessToken(
      await this.auth.register({ email, password, name, invitation }, deviceOf(request)),
    );
  }

  @Post('login')
  @Public()
  @HttpCode(HttpStatus.OK)
  @ApiOperation({ operationId: 'login', summary: 'Sign in', security: [] })
  @ApiOkResponse({ type: SignInDto })
  @ApiProblems(problems.invalidCredentials)
  async login(
    @Body() { email, password }: LoginDto,
    @Req() request: FastifyRequest,
  ): Promise<SignInDto> {
    return this.withAccessToken(await this.auth.login(email, password, deviceOf(request)));
  }

  @Post('refresh')
  @Public()
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    operationId: 'refresh',
    summary: 'Exchange a refresh token for new tokens',
    security: [],
  })
  @ApiOkResponse({ type: SignInDto })
  @ApiProblems(problems.invalidRefreshToken)
  async refresh(@Body() { refresh_token }: RefreshTokenDto): Promise<SignInDto> {
    return this.withAccessToken(await this.auth.refresh(refresh_token));
  }

  @Post('logout')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({
    operationId: 'logout',
    summary: 'Sign out: end the refresh token and every token of the same sign-in',
  })
  @ApiNoContentResponse()
  logout(
    @CurrentAccount() accountId: string,
    @Body() { refresh_token }: RefreshTokenDto,
  ): Promise<void> {
    return this.auth.logout(accountId, refresh_token);
  }

  @Put('password')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({
    operationId: 'changePassword',
    summary:
      'Change the password: this sign-in stays, all others of the account end, its API keys stay',
  })
  @ApiNoContentResponse()
  @ApiProblems(problems.passwordSignInNeeded)
  changePassword(
    @Req() { principal, ip }: FastifyRequest,
    @Body() { current_password, new_password }: ChangePasswordDto,
  ): Promise<void> {
    return this.auth.changePassword(principal!, current_password, new_password, ip);
  }

  @Post('password/reset')
  @Public()
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({
    operationId: 'resetPassword',
    summary: 'Set another password by a token of the console: every sign-in of the account ends',
    security: [],
  })
  @ApiNoContentResponse()
  resetPassword(@Body() { token, new_password }: ResetPasswordDto): Promise<void> {
    return this.passwordResets.reset(token, new_password);
  }

  @Get('me')
  @ApiOperation({ operationId: 'getMe', summary: 'The account behind the token' })
  @ApiOkResponse({ type: AccountDto })
  async me(@CurrentAccount() accountId: string): Promise<AccountDto> {
    return toAccountDto(await this.auth.me(accountId));
  }

  private withAccessToken(signedIn: SignedIn): SignInDto {
    const { accountId, familyId } = signedIn.signIn;
    return toSignInDto(
      signedIn,
      this.accessTokens.issue(accountId, familyId),
      this.accessTokens.ttlSeconds,
    );
  }
}

const deviceOf = ({ ip, headers }: FastifyRequest): Device => ({
  ip,
  userAgent: headers['user-agent'] || null,
});
