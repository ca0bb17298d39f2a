// Peak memory of `cutover assess` on large logs of several forms, each in a cgroup of 512 MB where one can be had.
// Writes its logs, up to 1 GB at a time, into a folder of its own and removes them.
import { spawn, spawnSync } from 'node:child_process';
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createGzip } from 'node:zlib';

const bin = fileURLToPath(new URL('../../bin/cutover.js', import.meta.url));
const LIMIT = 512 * 1024 * 1024;
const MB = 1e6;

/** A group of processes that may take 512 MB (cgroup v1 or v2), or null where this user may make none. */
function limitedGroup() {
  for (const [parent, file] of [
    ['/sys/fs/cgroup', 'memory.max'],
    ['/sys/fs/cgroup/memory', 'memory.limit_in_bytes'],
  ]) {
    const path = join(parent, `cutover-bench-${process.pid}`);
    try {
      mkdirSync(path);
      if (existsSync(join(path, file))) {
        writeFileSync(join(path, file), String(LIMIT));
        return { procs: join(path, 'cgroup.procs'), remove: () => rmdirSync(path) };
      }
      rmdirSync(path);
    } catch {
      // Not ours to make here.
    }
  }
  return null;
}

const line = (i, { model = 'm', user = `team-${i % 500}` } = {}) =>
  JSON.stringify({
    timestamp: 1_780_000_000 + i,
    model,
    input_tokens: 100 + (i % 500),
    output_tokens: 10,
    latency_ms: 120.5 + (i % 500),
    ttft_ms: 20 + (i % 500),
    status: 200,
    user,
  });

/** The same records again and again, up to so many bytes. */
function* repeated(bytes, of = line, { count = 8000, before = '', between = '\n', after = '\n' } = {}) {
  const piece = Array.from({ length: count }, (_, i) => of(i)).join(between);
  yield before;
  for (let done = 0; done < bytes; done += piece.length) yield done === 0 ? piece : between + piece;
  yield after;
}

/** So many records, each of its own. */
function* each(count, of) {
  for (let i = 0; i < count; i += 1000)
    yield `${Array.from({ length: Math.min(1000, count - i) }, (_, k) => of(i + k)).join('\n')}\n`;
}

const csv = (i) => `${1_780_000_000 + i},m,${100 + (i % 500)},10,${120.5 + (i % 500)},200,team-${i % 500}`;
const CSV_HEAD = 'timestamp,model,input_tokens,output_tokens,latency_ms,status,user\n';
const gzip = () => createGzip({ level: 1 });

/** Name, file, what is in it, how it is packed, and the arguments; `pipe`: it comes on stdin. */
const LOGS = [
  // So few that the packer sees them all at once.
  ['gzip of 2.8 GB', 'a.jsonl.gz', () => repeated(2800 * MB, line, { count: 100 }), { pack: gzip }],
  ['the same on a pipe', 'a.jsonl.gz', null, { pipe: true }],
  ['zstd of 2.8 GB', 'a.jsonl.zst', () => repeated(2800 * MB), { zstd: true }],
  [
    'JSON array of 1 GB',
    'b.json',
    () => repeated(1000 * MB, line, { before: '[', between: ',\n', after: ']' }),
  ],
  ['CSV of 1 GB', 'c.csv', () => repeated(1000 * MB, csv, { before: CSV_HEAD })],
  [
    '--rejects on 650 MB',
    'd.jsonl',
    () =>
      repeated(650 * MB, (i) => (i % 2 ? line(i).replace('"input_tokens":', '"input_tokens":-') : line(i))),
    { args: ['--max-bad', '100%', '--rejects', 'rejects.jsonl'] },
  ],
  [
    '1 M users',
    'e.jsonl',
    () => each(1e6, (i) => line(i, { user: `user-${i}` })),
    { args: ['--by', 'user'] },
  ],
  ['1 M models', 'f.jsonl', () => each(1e6, (i) => line(i, { model: `model-${i}` })), {}],
];

const amount = (value, wide = 5) => Math.round(value).toLocaleString('en').padStart(wide);

const dir = mkdtempSync(join(tmpdir(), 'cutover-bench-'));
const group = limitedGroup();
process.stdout.write(
  `  ${group ? 'each in a cgroup of 512 MB' : '(no cgroup can be made here: without a limit)'}; allowed: 150 MB + 10 B a record\n`,
);
try {
  for (const [name, file, content, options = {}] of LOGS) await one(name, file, content, options);
} finally {
  group?.remove();
  rmSync(dir, { recursive: true });
}

async function one(name, file, content, { pack, zstd = false, pipe = false, args = [] }) {
  const path = join(dir, file);
  if (zstd && spawnSync('zstd', ['--version']).status !== 0) {
    process.stdout.write(`  ${name.padEnd(20)} (no zstd command here)\n`);
    return;
  }
  if (content && zstd) await packedByZstd(content(), path);
  else if (content)
    await pipeline(Readable.from(content()), ...(pack ? [pack()] : []), createWriteStream(path));
  const { records, peak, code, ms } = await measured([pipe ? '-' : file, ...args], pipe ? path : null);
  const allowed = 150 * MB + 10 * records;
  process.stdout.write(
    `  ${name.padEnd(20)} ${amount(statSync(path).size / MB)} MB, ${amount(records, 10)} records, ${(ms / 1000).toFixed(1).padStart(5)} s: peak ${amount(peak / MB)} MB of ${amount(allowed / MB)} MB, exit ${code}\n`,
  );
  if (name.startsWith('gzip')) return;
  rmSync(path);
}

async function packedByZstd(content, path) {
  const child = spawn('zstd', ['-q', '-1', '-o', path], { stdio: ['pipe', 'ignore', 'inherit'] });
  await pipeline(Readable.from(content), child.stdin);
  await new Promise((ended) => child.on('close', ended));
}

/** Runs the command in the group; what it took at most comes from the process itself. */
async function measured(args, stdin) {
  const enter = group
    ? `require('node:fs').writeFileSync(${JSON.stringify(group.procs)}, String(process.pid));`
    : '';
  const tell = `${enter}process.on('exit',()=>process.stderr.write('\\npeak '+process.resourceUsage().maxRSS))`;
  const before = join(dir, 'before.cjs');
  writeFileSync(before, tell);
  const start = process.hrtime.bigint();
  const child = spawn(process.execPath, ['--require', before, bin, 'assess', '--json', ...args], {
    cwd: dir,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => {});
  if (stdin) createReadStream(stdin).pipe(child.stdin);
  else child.stdin.end();
  let [head, tail] = ['', ''];
  // The document of a million groups is longer than a text may be: its first fields are enough.
  child.stdout.setEncoding('utf8').on('data', (text) => {
    if (head.length < 1e6) head += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    tail = (tail + text).slice(-2000);
  });
  const code = await new Promise((ended) => child.on('close', (status, signal) => ended(signal ?? status)));
  return {
    code,
    ms: Number(process.hrtime.bigint() - start) / 1e6,
    records: Number(/"records":\s*\{[^}]*?"used":\s*(\d+)/.exec(head)?.[1] ?? 0),
    peak: Number(/peak (\d+)$/.exec(tail)?.[1] ?? Number.NaN) * 1024,
  };
}
