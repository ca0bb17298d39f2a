// Cold starts in a bare environment against the start of Node itself: `cutover rollback --emergency` with a file flag,
// journal included, `status` and `--version`.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { comparePair, timeProcess } from './pair.mjs';

const bin = fileURLToPath(new URL('../../bin/cutover.js', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'cutover-bench-'));
try {
  writeFileSync(
    join(dir, 'cutover.yaml'),
    `migration: bench
providers:
  legacy: { name: legacy, baseUrl: http://127.0.0.1:9/v1 }
  target: { name: target, baseUrl: http://127.0.0.1:9/v1 }
`,
  );
  const run = (...args) => timeProcess({ args: [bin, ...args], cwd: dir, env: {} });
  run('canary', 'start', '--yes');
  const node = { name: 'node -e 0', args: ['-e', '0'], cwd: dir, env: {} };
  for (const words of ['rollback --emergency', 'status', '--version'])
    comparePair(words, { args: [bin, ...words.split(' ')], cwd: dir, env: {} }, node);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
