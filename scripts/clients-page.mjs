// docs/clients.md, out of what clients told.
import { FLOWS } from '../test/clients/flows.mjs';

const SIGNS = { works: 'works', refused: 'refused', 'not offered': '–', fails: '**fails**' };

/** @param results of each client: what it told of each flow */
export function clientsPage(results) {
  const notes = [];
  const noteOf = ({ result, reason }) => {
    if (result === 'works' || !reason) return '';
    if (!notes.includes(reason)) notes.push(reason);
    return ` ${notes.indexOf(reason) + 1}`;
  };
  const rows = results.map(({ client, flows }) => {
    const cells = FLOWS.map((flow) => {
      const told = flows.find((one) => one.flow === flow);
      return told ? `${SIGNS[told.result]}${noteOf(told)}` : '**fails**';
    });
    return `| \`${client.name}\` ${client.version} (${client.language}) | ${cells.join(' | ')} |`;
  });
  return `# Clients

Real, unmodified clients against a started server with a fake provider, as \`npm run clients\` runs them and writes this page: the newest version of each, and the major before it.

| client | ${FLOWS.join(' | ')} |
|---|${FLOWS.map(() => '---').join('|')}|
${rows.join('\n')}

“works”: the flow ends as it should. “–”: the client does not offer it. “refused”: the server says that it cannot, and why.

${notes.map((note, at) => `${at + 1}. ${note}`).join('\n')}

Flows: a plain answer; one that is streamed; three turns of which the last knows all; a tool that the client runs; an answer that keeps to a JSON schema; a picture; a file; two
continuations of one answer; a conversation that the server keeps; a provider that fails; a stream that is left and gone on with; an answer that is ended.

AG-UI 1.0 is held against the unmodified \`@ag-ui/client\` in \`test/e2e/agui.e2e-spec.ts\`; what becomes of each field is in [a record](decisions/0025-ag-ui.md).
\`assistant-cloud\` 0.2.11, unmodified, is in \`test/e2e/aui.e2e-spec.ts\` ([what is there, and what is not](decisions/0026-assistant-cloud.md)).
`;
}
