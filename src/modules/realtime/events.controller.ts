import { Controller, Get, Headers, Post, Query, Req, Res } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiProblems } from '../../common/api-problems.js';
import { EVENT_STREAM_HEADERS } from '../../runtime/event-stream.js';
import { invalidField, problems } from '../../common/problems.js';
import { Tickets } from '../auth/tickets.service.js';
import { SEQ_MAX } from './frames.js';
import { EventsQuery, TicketDto } from './realtime.dto.js';
import { StreamsService } from './streams.service.js';

/** What the WebSocket tells, for those who would rather read a stream. */
@ApiTags('events')
@Controller('events')
export class EventsController {
  constructor(
    private readonly streams: StreamsService,
    private readonly tickets: Tickets,
  ) {}

  @Post('ticket')
  @ApiOperation({
    operationId: 'createEventTicket',
    summary: 'A ticket for a page that cannot send headers',
    description:
      'Opens one stream (`GET /events?ticket=…`) or one WebSocket (`/api/v1/ws?ticket=…`), once and within 60 s; what it opens ends with the token that asked for it. An `EventSource` that reconnects needs a new one.',
  })
  @ApiCreatedResponse({ type: TicketDto })
  async ticket(@Req() { principal }: FastifyRequest): Promise<TicketDto> {
    return { ticket: await this.tickets.make(principal!) };
  }

  @Get()
  @ApiOperation({
    operationId: 'streamEvents',
    summary: 'The events of a conversation or of the account as they happen, as server-sent events',
    description:
      'Each has its `seq` as `id`, and `{event, data, seq}` as its data; `asyncapi.yaml` describes them. The stream ends with the token and when the conversation is deleted. Without `chat_id` it tells what happens in the account: in its list of conversations, its files and imports; of a pair it says where it is and how it stands, without the words. The WebSocket at `/api/v1/ws` tells the same.',
  })
  @ApiHeader({
    name: 'Last-Event-ID',
    required: false,
    schema: { type: 'integer', minimum: 0, maximum: SEQ_MAX },
    description: 'Like `since`, and goes before it: browsers send it when they reconnect.',
  })
  @ApiOkResponse({
    description: 'The stream.',
    content: { 'text/event-stream': { schema: { type: 'string' } } },
  })
  @ApiProblems(problems.chatNotFound)
  async stream(
    @Req() { principal }: FastifyRequest,
    @Query() { chat_id, since }: EventsQuery,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const stream = await this.streams.open(
      principal!,
      chat_id,
      lastEventId ? seqOf(lastEventId) : since,
    );
    void reply.headers(EVENT_STREAM_HEADERS).send(stream);
  }
}

function seqOf(text: string): number {
  if (!/^\d+$/.test(text) || Number(text) > SEQ_MAX)
    throw invalidField('Last-Event-ID', 'must be the id of an event');
  return Number(text);
}
