// A transformer of jest: in the place of a file's own text comes one that hands on what Node has
// loaded from that file (`environment.mjs`).
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const OWN = readFileSync(new URL(import.meta.url), 'utf8');

export default {
  getCacheKey: (text, path, { configString }) =>
    createHash('sha256').update([OWN, text, path, configString].join('\0')).digest('hex'),

  async processAsync(_text, path) {
    const url = pathToFileURL(path).href;
    const names = Object.keys(await import(url)).filter((name) => name !== 'module.exports');
    return {
      code: [
        `const module = await banyanImport(${JSON.stringify(url)});`,
        ...names.map((name, n) => `const _${n} = module.${name};`),
        `export { ${names.map((name, n) => `_${n} as ${name}`).join(', ')} };`,
      ].join('\n'),
    };
  },
};
