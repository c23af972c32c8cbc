import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { followAnswer } from '../api/banyan';
import { Problem } from '../api/http';
import type { Pair, ResponsePart } from '../api/types';

/** What is there of an answer that is being written. */
export interface Growing {
  text: string;
  parts: ResponsePart[];
}

/** A part, or a piece of one: of reasoning its words, of a call its input. */
type Piece = ResponsePart & { delta?: string };

const NOTHING: Growing = { text: '', parts: [] };
const AGAIN_MS = 1_000;

/**
 * Follows an answer from its beginning while it is written: after a reload, in a second tab, and
 * side by side with others it is all the same.
 */
export function useAnswer({ chat_id, response_id, status }: Pair): Growing {
  const [growing, setGrowing] = useState<Growing>(NOTHING);
  const client = useQueryClient();
  const isWritten = status === 'streaming';
  useEffect(() => {
    if (!isWritten) return;
    const abort = new AbortController();
    const listen = async (): Promise<void> => {
      while (!abort.signal.aborted) {
        try {
          await hear(chat_id, response_id, abort.signal, setGrowing);
          break;
        } catch (error) {
          if (error instanceof Problem && error.status < 500) break;
          await new Promise((wake) => setTimeout(wake, AGAIN_MS));
        }
      }
      if (!abort.signal.aborted) {
        await client.invalidateQueries({ queryKey: ['path'] });
        await client.invalidateQueries({ queryKey: ['chats'] });
      }
    };
    void listen();
    return () => abort.abort();
  }, [isWritten, chat_id, response_id, client]);
  return isWritten ? growing : NOTHING;
}

async function hear(
  chatId: string,
  responseId: string,
  signal: AbortSignal,
  set: (growing: Growing) => void,
): Promise<void> {
  let [text, parts]: [string, ResponsePart[]] = ['', []];
  let frame = 0;
  // As often as the screen is drawn, however fast the words come.
  const show = (): void => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      set({ text, parts });
    });
  };
  for await (const { event, data } of followAnswer(chatId, responseId, signal)) {
    if (event === 'message.delta') text += data.delta as string;
    if (event === 'message.part') parts = grown(parts, data.part as Piece);
    if (event === 'message.completed' || event === 'message.failed') break;
    show();
  }
}

/** A piece goes behind what is there of its part. */
function grown(parts: ResponsePart[], { delta, ...piece }: Piece): ResponsePart[] {
  const last = parts.at(-1);
  const isSame = last?.type === piece.type && callOf(last) === callOf(piece);
  const others = isSame ? parts.slice(0, -1) : parts;
  if (delta === undefined) return [...others, piece];
  if (piece.type === 'reasoning') {
    const before = isSame && last.type === 'reasoning' ? last.text : '';
    return [...others, { ...piece, text: before + delta }];
  }
  if (piece.type !== 'tool_call') return parts;
  const before = isSame && last.type === 'tool_call' ? last : piece;
  return [...others, { ...before, input: `${String(before.input ?? '')}${delta}` }];
}

const callOf = (part: ResponsePart): string | undefined =>
  part.type === 'tool_call' || part.type === 'tool_result' ? part.call_id : undefined;
