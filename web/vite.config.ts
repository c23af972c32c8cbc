import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

const OUT = join(import.meta.dirname, '../dist/web');

/** The server sends what lies compressed beside a file: nothing is compressed for each reader. */
const compressed: Plugin = {
  name: 'compressed',
  closeBundle() {
    const assets = join(OUT, 'assets');
    for (const name of readdirSync(assets)) {
      const file = join(assets, name);
      writeFileSync(`${file}.gz`, gzipSync(readFileSync(file), { level: 9 }));
      writeFileSync(`${file}.br`, brotliCompressSync(readFileSync(file)));
    }
  },
};

// JSX is made by Vite's own transformer: tsconfig.json says how.
export default defineConfig({
  root: import.meta.dirname,
  base: './',
  plugins: [compressed],
  build: {
    outDir: OUT,
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    // "use client" means nothing in a browser.
    rolldownOptions: { checks: { moduleLevelDirective: false } },
  },
  server: {
    proxy: Object.fromEntries(
      ['/api', '/v1', '/version', '/docs', '/openapi.json'].map((path) => [
        path,
        process.env.BANYAN_URL ?? 'http://127.0.0.1:3000',
      ]),
    ),
  },
});
