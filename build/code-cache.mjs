import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ownEnvironment } from './own-environment.mjs';

const run = fileURLToPath(new URL('run-and-keep.cjs', import.meta.url));
const LINE = `${JSON.stringify({
  id: 'chatcmpl-1',
  timestamp: '2026-08-01T12:00:00.000Z',
  provider: 'openai',
  model: 'gpt-4.1-mini',
  input_tokens: 1200,
  cached_input_tokens: 0,
  output_tokens: 300,
  latency_ms: 900,
  ttft_ms: 200,
  status: 200,
})}\n`;
/** What the commands need to be known about: as small as may be, and large enough for the kernel, for threads. */
const LOGS = { small: 10, middle: 10_000, large: 80_000 };
const CONFIG = `migration: build
providers:
  legacy: { name: legacy, baseUrl: http://127.0.0.1:9/v1 }
  target: { name: target, baseUrl: http://127.0.0.1:9/v1 }
`;
/** What starts often, or must start soon: the folder it runs in, and its words. Each adds to the code of those before. */
const COMMANDS = [
  ['with-config', 'status'],
  ['with-config', 'canary', 'start', '--yes'],
  ['with-config', 'status'],
  ['with-config', 'rollback', '--emergency'],
  ['with-config', 'assess', '../large.jsonl'],
  ...Object.keys(LOGS).map((size) => ['without', 'assess', `../${size}.jsonl`, '--json']),
];

/** Runs the built commands that should start fast, and keeps what V8 made of their modules (see bin/load.js). */
export function keepCode() {
  const dir = mkdtempSync(join(tmpdir(), 'cutover-build-'));
  try {
    for (const [size, lines] of Object.entries(LOGS))
      writeFileSync(join(dir, `${size}.jsonl`), LINE.repeat(lines));
    for (const folder of ['with-config', 'without']) mkdirSync(join(dir, folder));
    writeFileSync(join(dir, 'with-config', 'cutover.yaml'), CONFIG);
    const env = ownEnvironment(process.env);
    for (const [folder, ...args] of COMMANDS) {
      const { status, stderr } = spawnSync(process.execPath, [run, ...args], {
        cwd: join(dir, folder),
        env,
        encoding: 'utf8',
      });
      if (status !== 0) throw new Error(`cutover ${args.join(' ')}: exit code ${status}\n${stderr}`);
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
