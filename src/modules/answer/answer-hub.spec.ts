import { AnswerHub } from './answer-hub.js';
import { RunningAnswer } from './running-answer.js';

const answer = (generationId: string) =>
  new RunningAnswer({
    ...{ accountId: 'a', generationId, rootChatId: 'c', chatId: 'c', responseId: 'r' },
    ...{
      seq: 1,
      forkSeq: 0,
      question: null as never,
      model: null,
      chat: { model: null, systemPrompt: null },
    },
  });

describe('the hub of the answers that are written here', () => {
  it('keeps a retry that began before the answer it follows was put away', () => {
    // Neither store is asked for anything before the first quarter of a second is over.
    const hub = new AnswerHub(null as never, null as never);
    const [first, retry] = [answer('1'), answer('2')];
    hub.add(first);
    hub.add(retry);
    hub.remove(first);
    expect(hub.find('a', 'r')).toBe(retry);
    hub.remove(retry);
    expect([hub.find('a', 'r'), hub.size]).toEqual([undefined, 0]);
  });
});
