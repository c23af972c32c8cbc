import { Injectable } from '@nestjs/common';
import { invalidField } from '../../common/problems.js';
import type { CreateResponseDto } from './create-response.dto.js';
import { DirectResponses, type RememberedResponse } from './direct-responses.service.js';
import type { ResponseEvent } from './item-events.js';
import { responseIn } from './openai-ids.js';
import { previousNotFound } from './response-targets.service.js';
import { ResponsesService } from './responses.service.js';

/** A frame that asks for a response. */
export interface ResponseFrame {
  accountId: string;
  body: CreateResponseDto;
  signal: AbortSignal;
  /** What the connection knows of its last response; null where it knows nothing. */
  remembered: RememberedResponse | null;
}

/** The events of a response, and what the connection is to remember of it when they have ended. */
export interface FrameAnswer {
  events: AsyncIterable<ResponseEvent[]>;
  remember: () => RememberedResponse | null;
}

/** Responses that are asked for by frames of a socket. */
@Injectable()
export class ResponseFrames {
  constructor(
    private readonly responses: ResponsesService,
    private readonly direct: DirectResponses,
  ) {}

  /**
   * Goes on from what the connection remembers where the frame names that, else as a request would.
   * @throws like `ResponsesService.createStreamed`; previous_response_not_found
   */
  async answer({ accountId, body, signal, remembered }: ResponseFrame): Promise<FrameAnswer> {
    const named = responseIn(body.previous_response_id);
    const isRemembered = named !== null && named === remembered?.responseId;
    if (isRemembered && body.conversation != null)
      throw invalidField(
        'previous_response_id',
        'must not be given together with conversation: both say where it goes on',
      );
    const asked = isRemembered ? { ...body, previous_response_id: null } : body;
    const before = isRemembered ? remembered.turns : [];
    if (body.store !== false) {
      const events = await this.responses.createStreamed(accountId, asked, null, before);
      return { events, remember: () => null };
    }
    if (body.previous_response_id != null && !isRemembered) throw previousNotFound();
    const begun = await this.direct.begin(accountId, asked, signal, before);
    return { events: this.direct.events(begun), remember: () => this.direct.after(begun) };
  }
}
