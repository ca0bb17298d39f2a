import { spawn, spawnSync } from 'node:child_process';
import {
  createReadStream,
  createWriteStream,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BIN } from './cli.ts';

/** What reading takes is a fixed part and 10 bytes a record, however the log is written, packed and brought. */

const MB = 1e6;
const FIXED = 150 * MB;
const PER_RECORD = 10;

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'cutover-memory-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

interface Measured {
  code: number | null;
  used: number;
  peak: number;
  stderr: string;
}

/** Runs the command and asks it, when it ends, how much memory it had at most. */
function measure(args: string[], from?: NodeJS.ReadableStream): Promise<Measured> {
  const tell = 'process.on("exit",()=>process.stderr.write("peak "+process.resourceUsage().maxRSS))';
  const child = spawn(
    process.execPath,
    ['--import', `data:text/javascript,${tell}`, BIN, 'assess', '--json', ...args],
    { cwd: dir, env: { PATH: process.env.PATH ?? '' } },
  );
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.on('error', () => {});
  if (from) from.pipe(child.stdin);
  else child.stdin.end();
  return new Promise((resolve) => {
    child.on('close', (code) => {
      const used = JSON.parse(stdout).records?.used ?? 0;
      const peak = Number(/peak (\d+)$/.exec(stderr)?.[1]) * 1024;
      resolve({ code, used, peak, stderr });
    });
  });
}

const LINE = (i: number) =>
  `${JSON.stringify({
    timestamp: 1_780_000_000 + i,
    model: 'm',
    input_tokens: 100 + i,
    output_tokens: 10,
    latency_ms: 120.5 + i,
    ttft_ms: 20 + i,
    status: 200,
    user: `team-${i}`,
  })}\n`;
const BLOCK = Array.from({ length: 500 }, (_, i) => LINE(i)).join('');

/** So many bytes of lines, as they are written; 1 to 4 MB when packed. */
function* lines(bytes: number): Generator<string> {
  const piece = BLOCK.repeat(16);
  for (let done = 0; done < bytes; done += piece.length) yield piece;
}

describe('memory', () => {
  it('of a gzip of a third of a gigabyte, as a file and through a pipe', async () => {
    const path = join(dir, 'large.jsonl.gz');
    await pipeline(Readable.from(lines(333 * MB)), createGzip({ level: 1 }), createWriteStream(path));
    for (const ran of [await measure(['large.jsonl.gz']), await measure(['-'], createReadStream(path))]) {
      expect(ran.code, ran.stderr).toBe(0);
      expect(ran.used).toBeGreaterThan(2_000_000);
      expect(ran.peak / MB).toBeLessThan((FIXED + PER_RECORD * ran.used) / MB);
    }
  }, 180_000);

  it('of a bomb: 10 KB of zstd that are 330 MB of empty lines', async () => {
    const block = Buffer.alloc(4);
    // Not the last, all the same byte, 128 KB of them (RFC 8878).
    block.writeUIntLE((1 << 1) | (131_072 << 3), 0, 3);
    block[3] = '\n'.charCodeAt(0);
    const last = Buffer.from([1, 0, 0]);
    const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 10 << 3]);
    const blocks = Buffer.concat(Array(2500).fill(block));
    writeFileSync(join(dir, 'bomb.zst'), Buffer.concat([header, blocks, last]));
    const ran = await measure(['bomb.zst']);
    expect(ran.code, ran.stderr).toBe(3);
    expect(ran.peak / MB).toBeLessThan(FIXED / MB);
  }, 180_000);

  it('of very many users: prices of all models are looked up, and every report shows the first users', async () => {
    // Both models are the config's, but for those of the first users.
    const record = (i: number) =>
      JSON.stringify({
        timestamp: 1_780_000_000 + i * 10,
        model: i < 25_000 ? 'gpt-4o-mini' : 'own',
        input_tokens: i === 7 ? 90_000 : 1000,
        output_tokens: 100,
        user: `user ${i}`,
      });
    writeFileSync(join(dir, 'users.jsonl'), Array.from({ length: 45_000 }, (_, i) => record(i)).join('\n'));
    writeFileSync(
      join(dir, 'own.yaml'),
      `migration: t
providers:
  legacy: { name: openai, baseUrl: "https://api.openai.com/v1", prices: { own: 1 } }
  target: { name: two, baseUrl: "http://127.0.0.1:9", prices: { "*": 0.1 } }
`,
    );
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [BIN, 'assess', '-c', 'own.yaml', '--by', 'user', ...args, 'users.jsonl'], {
        cwd: dir,
        encoding: 'utf8',
        maxBuffer: 1e9,
      });
    const { groups, unpriced } = JSON.parse(run('--json').stdout);
    expect(unpriced).toEqual([]);
    expect(groups.groups).toHaveLength(45_000);
    expect(groups.groups[0]).toMatchObject({ key: 'user 7', tokens: 90_100 });
    expect(groups.groups[0].currentUsd).toBeGreaterThan(0.01);
    expect(run('--report', 'markdown').stdout).toContain('| `user 7` | 1 | 0 | 90,100 |');
    const table = run('--html', 'many.html');
    expect(table.stdout).toContain('and 44,980 more users');
    expect(readFileSync(join(dir, 'many.html'), 'utf8')).toContain('user 7');
  }, 120_000);

  it.skipIf(spawnSync('sh', ['-c', 'ulimit -d 524288']).status !== 0)(
    'of a user a record: it ends well where there is half a gigabyte and no more',
    async () => {
      const path = join(dir, 'users.jsonl');
      const some = function* () {
        for (let i = 0; i < 300_000; i += 1000) {
          yield Array.from({ length: 1000 }, (_, j) => LINE((i + j) * 7)).join('');
        }
      };
      await pipeline(Readable.from(some()), createWriteStream(path));
      const ran = spawnSync(
        'sh',
        ['-c', `ulimit -d 524288; exec "$0" "$1" assess --by user --json users.jsonl`, process.execPath, BIN],
        { cwd: dir, encoding: 'utf8', maxBuffer: 1e9 },
      );
      expect(ran.status, ran.stderr).toBe(0);
      expect(JSON.parse(ran.stdout).groups.groups).toHaveLength(300_000);
    },
    180_000,
  );
});
