import { Controller, Get, HttpStatus, Res } from '@nestjs/common';
import {
  ApiOkResponse,
  ApiOperation,
  ApiServiceUnavailableResponse,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Public } from '../../common/public.js';
import { buildInfo } from '../../config/build-info.js';
import { LivenessDto, ReadinessDto, VersionDto } from './health.dto.js';
import { HealthService } from './health.service.js';

const RETRY_AFTER_SECONDS = '2';
const { name, version, commit } = buildInfo();

/** Answers at the root, without a token, for load balancers and people. */
@ApiTags('health')
@Public()
@Controller()
export class HealthController {
  constructor(private readonly health: HealthService) {}

  @Get('livez')
  @ApiOperation({
    operationId: 'getLiveness',
    summary: 'The process runs; no store is asked',
    security: [],
  })
  @ApiOkResponse({ type: LivenessDto })
  livez(): LivenessDto {
    return { status: 'ok' };
  }

  @Get('readyz')
  @ApiOperation({
    operationId: 'getReadiness',
    summary: 'Whether requests should be sent here, and the state of each store',
    security: [],
  })
  @ApiOkResponse({ type: ReadinessDto })
  @ApiServiceUnavailableResponse({
    type: ReadinessDto,
    description: 'PostgreSQL is away, or the server is about to stop.',
  })
  async readyz(@Res({ passthrough: true }) reply: FastifyReply): Promise<ReadinessDto> {
    const readiness = await this.health.readiness();
    if (readiness.status === 'unavailable' || readiness.status === 'draining') {
      reply.status(HttpStatus.SERVICE_UNAVAILABLE).header('retry-after', RETRY_AFTER_SECONDS);
    }
    return readiness;
  }

  @Get('version')
  @ApiOperation({ operationId: 'getVersion', summary: 'What runs here', security: [] })
  @ApiOkResponse({ type: VersionDto })
  version(): VersionDto {
    return { name, version, node: process.version, ...(commit && { commit }) };
  }
}
