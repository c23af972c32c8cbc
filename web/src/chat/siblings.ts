import { activate, getPair } from '../api/banyan';

/** Makes the branch with another continuation of a pair's place active; answers its address. */
export async function siblingOf(chatId: string, responseId: string, by: number): Promise<string> {
  const { siblings } = await getPair(chatId, responseId);
  const here = siblings.findIndex(({ response_id }) => response_id === responseId);
  const next = siblings[(here + by + siblings.length) % siblings.length]!;
  await activate(chatId, next.chat_id);
  return `/c/${next.chat_id}/m/${next.response_id}`;
}
