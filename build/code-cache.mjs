import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

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

/** What any program needs to start. */
const NEEDED = ['PATH', 'HOME', 'TMPDIR', 'TEMP', 'TMP', 'LD_LIBRARY_PATH', 'SYSTEMROOT'];

/**
 * The environment without what commands look at: who builds may be in the midst of a migration (CUTOVER_STATE), or in a
 * job whose summary is another's (GITHUB_STEP_SUMMARY).
 */
export function bareEnvironment(env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => NEEDED.includes(name.toUpperCase())));
}

/** Runs the built commands that should start fast, and keeps what V8 made of their modules (see bin/load.js). */
export function keepCode() {
  const dir = mkdtempSync(join(tmpdir(), 'cutover-build-'));
  try {
    for (const [size, lines] of Object.entries(LOGS))
      writeFileSync(join(dir, `${size}.jsonl`), LINE.repeat(lines));
    for (const folder of ['with-config', 'without']) mkdirSync(join(dir, folder));
    writeFileSync(join(dir, 'with-config', 'cutover.yaml'), CONFIG);
    const env = bareEnvironment(process.env);
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
