// Bundles the command and the thread's module into dist/.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';
import { catalogue } from './catalogue.mjs';
import { kernel } from './kernel.mjs';
import { lazyChildProcess } from './lazy-child-process.mjs';
import { licences } from './licences.mjs';
import { readAtOnce } from './read-at-once.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const source = (path) => join(root, 'src', path);

const shared = {
  cwd: root,
  platform: 'node',
  transform: { target: 'node20' },
  // Comments with the paths of modules: where node_modules is a link they lead through the folders of whoever builds.
  experimental: { attachDebugInfo: 'none' },
  // As ES modules it holds a third less: what nobody uses of it is left out.
  resolve: { alias: { yaml: join(root, 'node_modules/yaml/browser/dist/index.js') } },
};
/** CommonJS starts sooner: Node.js need not start its loader of ES modules. */
const output = { dir: dist, format: 'cjs', entryFileNames: '[name].cjs', comments: false };

// The catalogue's data comes from its package, but not as a module.
const bundled = licences(root, [join(root, 'node_modules/@pydantic/genai-prices/dist')]);

rmSync(dist, { recursive: true, force: true });

// A command loads only what it needs, so what it needs must be files of their own.
await build({
  ...shared,
  input: source('main.ts'),
  external: ['better-sqlite3'],
  plugins: [catalogue(), kernel(), lazyChildProcess(), bundled.plugin],
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
  plugins: [kernel(), bundled.plugin],
  output: { ...output, codeSplitting: false },
});

writeFileSync(join(dist, 'THIRD-PARTY.txt'), bundled.text());
