// Cold `cutover rollback --emergency` with a file flag, journal included, against the start of Node itself.
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
  const run = (...args) => timeProcess({ args: [bin, ...args], cwd: dir });
  run('canary', 'start', '--yes');
  const node = { name: 'node -e 0', args: ['-e', '0'], cwd: dir };
  comparePair('rollback --emergency', { args: [bin, 'rollback', '--emergency'], cwd: dir }, node);
  comparePair('status', { args: [bin, 'status'], cwd: dir }, node);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
