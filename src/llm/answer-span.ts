import { type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { ModelInfo, ModelPart } from './language-model.js';

type End = Extract<ModelPart, { type: 'end' }>;

/**
 * The span of one answer, with the attributes of OpenTelemetry's conventions for generative AI:
 * numbers and names, and never a word that anybody said. Where no SDK is registered it is nothing
 * and costs nothing.
 */
export class AnswerSpan {
  private constructor(private readonly span: Span) {}

  /** @param asked the name by which the model was asked for; null for the default */
  static start(
    conversationId: string,
    { id, provider }: ModelInfo,
    asked: string | null,
  ): AnswerSpan {
    const attributes = {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': provider,
      'gen_ai.request.model': asked ?? id,
      'gen_ai.conversation.id': conversationId,
      'gen_ai.request.stream': true,
    };
    return new AnswerSpan(
      trace.getTracer('banyan').startSpan(`chat ${id}`, { kind: SpanKind.CLIENT, attributes }),
    );
  }

  complete({ model, finishReason, usage }: End): void {
    this.span.setAttributes({
      'gen_ai.response.model': model,
      'gen_ai.response.finish_reasons': [finishReason],
      'gen_ai.usage.input_tokens': usage.input_tokens,
      'gen_ai.usage.output_tokens': usage.output_tokens,
    });
  }

  /** @param code that of the pair's error, or how the answer was cut short */
  fail(code: string): void {
    this.span.setAttribute('error.type', code);
    this.span.setStatus({ code: SpanStatusCode.ERROR });
  }

  /** @param firstPieceMs from the question to the first piece, if there was one */
  end(firstPieceMs: number | undefined): void {
    if (firstPieceMs !== undefined)
      this.span.setAttribute('gen_ai.server.time_to_first_token', firstPieceMs / 1000);
    this.span.end();
  }
}
