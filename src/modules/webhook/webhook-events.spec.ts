import { payloadOf, type ReadEvent, webhookEventOf } from './webhook-events.js';

const anEvent = (fields: Partial<ReadEvent>): ReadEvent => ({
  account_id: 'account',
  root_chat_id: 'root',
  seq: 7,
  type: 'message.created',
  chat_id: 'chat',
  response_id: 'pair',
  created_at: new Date('2026-11-21T09:30:00Z'),
  pair_seq: 3,
  pair_version: 1,
  pair_status: 'complete',
  parent_chat_id: null,
  fork_seq: 0,
  fork_response_id: null,
  ...fields,
});

describe('what a webhook is told of', () => {
  it('a pair that came with its response is complete when it is made', () => {
    expect(webhookEventOf(anEvent({}))).toBe('message.completed');
  });

  it.each(['pending', 'streaming', 'failed', 'cancelled', 'interrupted'] as const)(
    'a pair that is made %s is not told',
    (pair_status) => {
      expect(webhookEventOf(anEvent({ pair_status }))).toBeNull();
    },
  );

  it('a pair whose answer came later is told by message.completed alone, however late its making is read', () => {
    const late = { pair_status: 'complete', pair_version: 2 } as const;
    expect(webhookEventOf(anEvent({ ...late, type: 'message.created' }))).toBeNull();
    expect(webhookEventOf(anEvent({ ...late, type: 'message.completed' }))).toBe(
      'message.completed',
    );
  });

  it('nothing else is told', () => {
    const others = [
      'chat.created',
      'chat.updated',
      'chat.restored',
      'branch.activated',
      'branch.deleted',
      'message.failed',
      'message.redacted',
    ];
    expect(
      others.map((type) => webhookEventOf(anEvent({ type: type as ReadEvent['type'] }))),
    ).toEqual(others.map(() => null));
  });

  it('in ids and numbers', () => {
    expect(JSON.parse(payloadOf('message.completed', anEvent({})))).toEqual({
      type: 'message.completed',
      timestamp: '2026-11-21T09:30:00.000Z',
      data: { chat_id: 'chat', root_chat_id: 'root', response_id: 'pair', seq: 3, event_seq: 7 },
    });
  });
});
