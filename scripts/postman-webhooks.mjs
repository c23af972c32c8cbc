// Steps about webhooks.

export const webhooks = [
  {
    op: 'createWebhook',
    body: { url: 'https://receiver.invalid/banyan' }, // no name ends so: nobody is called
    set: { webhook_id: 'answer.webhook_id' },
    tests: {
      'the secret is shown': "answer.secret.startsWith('whsec_')",
      'it is told of everything': 'answer.events.length === 3',
    },
  },
  { op: 'getWebhook', tests: { 'the secret is not shown again': 'answer.secret === undefined' } },
  {
    op: 'updateWebhook',
    body: { events: ['chat.deleted'], description: 'tells the archive' },
    tests: { 'it is told of one event': "answer.events.join() === 'chat.deleted'" },
  },
  {
    op: 'rotateWebhookSecret',
    tests: { 'there is a new secret': "answer.secret.startsWith('whsec_')" },
  },
  {
    op: 'testWebhook',
    tests: { 'it is on its way': "answer.type === 'webhook.test' && answer.status === 'pending'" },
  },
  {
    op: 'listDeliveries',
    tests: { 'the test is among them': "answer.items[0].type === 'webhook.test'" },
  },
  {
    op: 'listWebhooks',
    tests: {
      'the list has it': "answer.items[0].webhook_id === pm.collectionVariables.get('webhook_id')",
    },
  },
  { op: 'deleteWebhook' },
  {
    op: 'createWebhook',
    name: 'A private address',
    body: { url: 'https://169.254.169.254/latest/meta-data' },
    status: 422,
    code: 'validation_failed',
  },
];
