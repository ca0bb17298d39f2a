// Bundles the command and the thread's module into dist/.
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';
import { catalogue } from './catalogue.mjs';
import { keepCode } from './code-cache.mjs';
import { kernel } from './kernel.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');

const shared = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20',
  minifySyntax: true,
  legalComments: 'none',
  logLevel: 'warning',
};

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);

// A command loads only what it needs, so what it needs must be files of their own: only ES modules are split so.
const { outputFiles } = await build({
  ...shared,
  entryPoints: ['src/main.ts'],
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  splitting: true,
  format: 'esm',
  external: ['better-sqlite3'],
  plugins: [catalogue(dist), kernel],
  write: false,
});
// CommonJS starts sooner: Node.js need not start its loader of ES modules, and V8's code can be kept (bin/load.js).
for (const { path, text } of outputFiles) {
  const { code } = await transform(text, {
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    supported: { 'dynamic-import': false },
    define: { 'import.meta': 'meta' },
  });
  writeFileSync(join(dist, basename(path)), code);
}

await build({
  ...shared,
  entryPoints: ['src/cli/assess-worker.ts'],
  outfile: 'dist/assess-worker.cjs',
  format: 'cjs',
});

// The catalogue's data is bundled, so its licence comes along.
copyFileSync(join(root, 'node_modules/@pydantic/genai-prices/LICENSE'), join(dist, 'catalogue-LICENSE'));
keepCode();
