// Bundles the command and the thread's module into dist/.
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';
import { catalogue } from './catalogue.mjs';
import { kernel } from './kernel.mjs';
import { readAtOnce } from './read-at-once.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const source = (path) => join(root, 'src', path);

const shared = {
  cwd: root,
  platform: 'node',
  transform: { target: 'node20' },
  // As ES modules it holds a third less: what nobody uses of it is left out.
  resolve: { alias: { yaml: join(root, 'node_modules/yaml/browser/dist/index.js') } },
};
/** CommonJS starts sooner: Node.js need not start its loader of ES modules. */
const output = { dir: dist, format: 'cjs', entryFileNames: '[name].cjs', comments: false };

rmSync(dist, { recursive: true, force: true });

// A command loads only what it needs, so what it needs must be files of their own.
await build({
  ...shared,
  input: source('main.ts'),
  external: ['better-sqlite3'],
  plugins: [catalogue(), kernel()],
  preserveEntrySignatures: 'allow-extension',
  output: {
    ...output,
    chunkFileNames: '[name]-[hash].cjs',
    codeSplitting: {
      groups: [
        readAtOnce('emergency', source('cli/emergency.ts'), ['main.ts', 'cli/assess-run.ts'].map(source)),
      ],
    },
  },
});
await build({
  ...shared,
  input: source('cli/assess-worker.ts'),
  plugins: [kernel()],
  output: { ...output, codeSplitting: false },
});

// The catalogue's data is bundled, so its licence comes along.
copyFileSync(join(root, 'node_modules/@pydantic/genai-prices/LICENSE'), join(dist, 'catalogue-LICENSE.txt'));
