// The steps of accounts: register, sign in, keys.

export const auth = [
  {
    op: 'register',
    before:
      "pm.collectionVariables.set('email', `${pm.variables.replaceIn('{{$randomUUID}}')}@example.org`);",
    body: { email: '{{email}}', password: '{{password}}', name: 'Ada' },
    set: { access_token: 'answer.access_token', refresh_token: 'answer.refresh_token' },
    tests: {
      'the account has that e-mail': "answer.account.email === pm.collectionVariables.get('email')",
    },
  },
  {
    op: 'login',
    body: { email: '{{email}}', password: '{{password}}' },
    set: { access_token: 'answer.access_token', refresh_token: 'answer.refresh_token' },
  },
  {
    op: 'refresh',
    body: { refresh_token: '{{refresh_token}}' },
    set: { access_token: 'answer.access_token', refresh_token: 'answer.refresh_token' },
  },
  {
    op: 'listAuthSessions',
    set: { session_id: 'answer.items.find((session) => !session.current).session_id' },
    tests: {
      'one of them is this': 'answer.items.filter((session) => session.current).length === 1',
    },
  },
  { op: 'endAuthSession' },
  {
    op: 'changePassword',
    body: { current_password: '{{password}}', new_password: '{{password}}' },
  },
  {
    op: 'resetPassword',
    name: 'A token that the console did not make',
    body: { token: 'bpr_of_nobody', new_password: '{{password}}' },
    status: 422,
    code: 'validation_failed',
  },
  {
    op: 'getMe',
    tests: {
      'it is the account that signed in': "answer.email === pm.collectionVariables.get('email')",
    },
  },
  {
    op: 'createApiKey',
    set: { api_key_id: 'answer.api_key_id' },
    tests: { 'the key is shown': "answer.api_key.startsWith('bak_')" },
  },
  {
    op: 'listApiKeys',
    tests: {
      'the list has it':
        "answer.items.some((key) => key.api_key_id === pm.collectionVariables.get('api_key_id'))",
    },
  },
  { op: 'deleteApiKey' },
];
