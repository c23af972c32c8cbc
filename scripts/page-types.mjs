// The shapes of openapi.json that the page uses, as TypeScript: web/src/api/schemas.ts, which
// `npm run openapi` writes and checks with the document.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import openapiTS, { astToString } from 'openapi-typescript';
import { format, resolveConfig } from 'prettier';

const TYPES = fileURLToPath(new URL('../web/src/api/types.ts', import.meta.url));
export const FILE = fileURLToPath(new URL('../web/src/api/schemas.ts', import.meta.url));

/** The text of that file: what `types.ts` names, and what that is made of. */
export async function pageTypes({ openapi, info, components }) {
  const named = readFileSync(TYPES, 'utf8').matchAll(/Schemas\['(\w+)'\]/g);
  const schemas = withTheirParts(
    [...named].map(([, name]) => name),
    components.schemas,
  );
  const nodes = await openapiTS({ openapi, info, paths: {}, components: { schemas } });
  const types = astToString(nodes, { formatOptions: { removeComments: true } });
  const text = `// Made from openapi.json by npm run openapi.\n${types}`;
  return format(text, { ...(await resolveConfig(FILE)), filepath: FILE });
}

function withTheirParts(names, schemas) {
  const found = {};
  const waiting = [...names];
  while (waiting.length > 0) {
    const name = waiting.pop();
    if (found[name]) continue;
    if (!schemas[name]) throw new Error(`openapi.json has no schema ${name}, which types.ts names`);
    found[name] = schemas[name];
    const refs = JSON.stringify(schemas[name]).matchAll(/"#\/components\/schemas\/(\w+)"/g);
    waiting.push(...[...refs].map(([, ref]) => ref));
  }
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)));
}
