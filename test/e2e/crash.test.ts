import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listCheckpoints } from '../../src/store/checkpoints.ts';
import { verifyHistory } from '../../src/store/history.ts';
import { cutover, cutoverJson, makeFolder, type StatusDocument } from './cli.ts';

/**
 * Every scenario runs one command in a copy of a prepared folder and kills it at one point: before or after an
 * effect on a file, the database, a process or a socket. Afterwards the next command has to know the truth, and
 * `resume` or `rollback` has to bring flag, DNS and state together.
 *
 * All points: CUTOVER_CRASH_POINTS=all. One again: CUTOVER_CRASH_ONLY='shift:17'.
 */

const SHIM = fileURLToPath(new URL('../crash/shim.mjs', import.meta.url));
const SEED = Number(process.env.CUTOVER_CRASH_SEED ?? 20260820);
const POINTS = process.env.CUTOVER_CRASH_POINTS ?? '40';
const ONLY = process.env.CUTOVER_CRASH_ONLY;
/** All points take a quarter of an hour on two cores. */
const LONGEST_MS = POINTS === 'all' ? 3_000_000 : 600_000;

const HOOKS = `
hooks:
  dns: [{ driver: exec, command: [sh, -c, "cat > /dev/null; echo $CUTOVER_PROVIDER > dns"], retries: 0 }]
  notify: [{ driver: exec, command: [sh, -c, "cat > /dev/null; echo $CUTOVER_IDEMPOTENCY_KEY >> told"], retries: 0 }]
`;

interface World {
  status: string;
  ratio: number;
}

interface Scenario {
  command: string[];
  prepare: string[][];
  from: World;
  to: World;
}

const FORCE = ['--yes', '--force', '--reason', 'test'];
const START = ['canary', 'start', '--yes'];
const SHIFT = ['shift', '25%', ...FORCE];
const COMPLETE = ['shift', '100%', '--confirm', 'chat-prod', '--force', '--reason', 'test'];
const BREAK_DNS = '__break dns';

const SCENARIOS: Record<string, Scenario> = {
  start: {
    prepare: [],
    command: START,
    from: { status: 'idle', ratio: 0 },
    to: { status: 'canary', ratio: 0.1 },
  },
  shift: {
    prepare: [START],
    command: SHIFT,
    from: { status: 'canary', ratio: 0.1 },
    to: { status: 'rolling', ratio: 0.25 },
  },
  complete: {
    prepare: [START, SHIFT],
    command: COMPLETE,
    from: { status: 'rolling', ratio: 0.25 },
    to: { status: 'complete', ratio: 1 },
  },
  rollback: {
    prepare: [START, SHIFT],
    command: ['rollback', '--yes', '--anyway'],
    from: { status: 'rolling', ratio: 0.25 },
    to: { status: 'canary', ratio: 0.1 },
  },
  uncomplete: {
    prepare: [START, SHIFT, COMPLETE],
    command: ['rollback', '--confirm', 'chat-prod', '--anyway'],
    from: { status: 'complete', ratio: 1 },
    to: { status: 'rolling', ratio: 0.25 },
  },
  resume: {
    prepare: [START, SHIFT, [BREAK_DNS], COMPLETE],
    command: ['resume'],
    from: { status: 'complete', ratio: 1 },
    to: { status: 'complete', ratio: 1 },
  },
  emergency: {
    prepare: [START, SHIFT],
    command: ['rollback', '--emergency'],
    from: { status: 'rolling', ratio: 0.25 },
    to: { status: 'rollback', ratio: 0 },
  },
};

/** mulberry32: a small seeded generator, so that a run can be repeated. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const folders: string[] = [];
interface Prepared {
  dir: string;
  points: string[];
  checkpoints: number;
}
const prepared = new Map<string, Prepared>();

/** Folders by the commands that were run in them: most scenarios begin like another. */
const after = new Map<string, string>();

async function folderAfter(commands: string[][]): Promise<string> {
  const key = JSON.stringify(commands);
  const known = after.get(key);
  if (known) return known;
  const command = commands.at(-1);
  const dir = command ? copyOf(await folderAfter(commands.slice(0, -1))) : makeFolder(HOOKS);
  after.set(key, dir);
  if (!command) {
    folders.push(dir);
    writeFileSync(join(dir, 'dns'), 'legacy\n');
  } else if (command[0] === BREAK_DNS) {
    const config = join(dir, 'cutover.yaml');
    writeFileSync(config, readFileSync(config, 'utf8').replace('> dns"', '> dns; exit $(cat broken)"'));
    writeFileSync(join(dir, 'broken'), '1');
  } else {
    const ran = await cutover(dir, command);
    expect([0, 4], ran.stderr).toContain(ran.code);
  }
  return dir;
}

async function prepare(name: string, scenario: Scenario): Promise<void> {
  const dir = copyOf(await folderAfter(scenario.prepare));
  if (existsSync(join(dir, 'broken'))) writeFileSync(join(dir, 'broken'), '0');
  const trial = copyOf(dir);
  const log = join(trial, 'points');
  const ran = await crashAt(trial, scenario.command, 0, { CUTOVER_CRASH_LOG: log });
  expect(ran.code, ran.stderr).toBe(0);
  const points = readFileSync(log, 'utf8').trim().split('\n');
  prepared.set(name, { dir, points, checkpoints: journalOf(dir, (db) => listCheckpoints(db).length) });
}

function copyOf(dir: string): string {
  const copy = mkdtempSync(join(tmpdir(), 'cutover-crash-'));
  cpSync(dir, copy, { recursive: true });
  folders.push(copy);
  return copy;
}

function crashAt(dir: string, command: string[], point: number, env: Record<string, string> = {}) {
  return cutover(dir, command, {
    node: ['--import', SHIM],
    env: { CUTOVER_CRASH_AT: String(point), ...env },
  });
}

const status = (dir: string) => cutoverJson<StatusDocument>(dir, ['status']);
const dns = (dir: string) => readFileSync(join(dir, 'dns'), 'utf8').trim();
const is = (state: StatusDocument, world: World) =>
  state.status === world.status && state.ratio === world.ratio;

/** The database of a folder, or nothing when no command has made one yet, whole. */
function journalOf(dir: string, read: (db: Database.Database) => number): number {
  const path = join(dir, '.cutover', 'state.db');
  if (!existsSync(path)) return 0;
  const db = new Database(path);
  try {
    return db.pragma('user_version', { simple: true }) === 0 ? 0 : read(db);
  } finally {
    db.close();
  }
}

/** No checkpoint is lost, and no entry of the history. */
function expectJournalWhole(dir: string, checkpoints: number): void {
  expect(journalOf(dir, (db) => listCheckpoints(db).length)).toBeGreaterThanOrEqual(checkpoints);
  journalOf(dir, (db) => {
    expect(verifyHistory(db).brokenAt).toBeNull();
    return 0;
  });
}

async function crashOnce(name: string, scenario: Scenario, point: number, undo: boolean): Promise<boolean> {
  const base = prepared.get(name) as Prepared;
  const dir = copyOf(base.dir);
  const crashed = await crashAt(dir, scenario.command, point);
  // A heartbeat more or less moves the count by two: the last points may lie behind the end of this run.
  const reached = crashed.signal === 'SIGKILL';
  if (!reached) expect(crashed.code, crashed.stderr).toBe(0);

  // The next command names the truth.
  const now = await status(dir);
  if (now.unfinished) {
    expect(now.next.command).toBe('cutover resume');
  } else {
    expect(is(now, scenario.from) || is(now, scenario.to), JSON.stringify(now)).toBe(true);
    expect(now.drift, JSON.stringify(now)).toEqual([]);
  }
  expectJournalWhole(dir, base.checkpoints);

  // One more command brings everything together.
  if (now.unfinished) {
    const backwards = undo && now.rollback.eligible && name !== 'emergency';
    const again = undo && name === 'emergency' ? ['rollback', '--emergency'] : ['resume'];
    await cutoverJson(dir, backwards ? ['rollback', '--anyway', '--confirm', 'chat-prod'] : again);
    const end = await status(dir);
    expect(end.unfinished).toBeNull();
    expect(
      is(
        end,
        backwards && name !== 'rollback' && name !== 'uncomplete' ? undone(name, scenario) : scenario.to,
      ),
    ).toBe(true);
    expect(end.flag.ratio).toBeCloseTo(end.ratio, 9);
    expect(dns(dir)).toBe(end.activeProvider);
    expectJournalWhole(dir, base.checkpoints);
  }
  rmSync(dir, { recursive: true, force: true });
  return reached;
}

/** Where `rollback` leads after a crash: to before the operation; for `resume`, to before the one it resumes. */
function undone(name: string, scenario: Scenario): World {
  return name === 'resume' ? { status: 'rolling', ratio: 0.25 } : scenario.from;
}

beforeAll(async () => {
  for (const [name, scenario] of Object.entries(SCENARIOS)) {
    if (!ONLY || ONLY.startsWith(`${name}:`)) await prepare(name, scenario);
  }
}, 120_000);

afterAll(() => {
  for (const dir of folders) rmSync(dir, { recursive: true, force: true });
});

describe('a process killed at any point', () => {
  it(
    'leaves nothing lost and nothing unexplained',
    async () => {
      const random = seeded(SEED);
      const all = [...prepared].flatMap(([name, { points }]) =>
        points.map((label, index) => ({ name, label, point: index + 1 })),
      );
      const shuffled = all
        .map((one) => ({ one, key: random(), undo: random() < 0.5 }))
        .sort((a, b) => a.key - b.key);
      const chosen = ONLY
        ? shuffled.filter(({ one }) => `${one.name}:${one.point}` === ONLY)
        : shuffled.slice(0, POINTS === 'all' ? shuffled.length : Number(POINTS));
      const failures: string[] = [];
      const queue = [...chosen];
      let crashes = 0;
      const worker = async () => {
        for (let next = queue.pop(); next; next = queue.pop()) {
          const { name, point, label } = next.one;
          try {
            if (await crashOnce(name, SCENARIOS[name] as Scenario, point, next.undo)) crashes++;
          } catch (error) {
            failures.push(
              `${name}:${point} (${label}, ${next.undo ? 'undo' : 'resume'}): ${(error as Error).message}`,
            );
          }
        }
      };
      await Promise.all([worker(), worker()]);
      process.stderr.write(`crash test: killed at ${crashes} of ${all.length} points, seed ${SEED}\n`);
      expect(failures, failures.join('\n')).toEqual([]);
      // Nearly every one is reached; a test that kills nobody finds nothing.
      if (!ONLY) expect(crashes).toBeGreaterThan(0.9 * chosen.length);
    },
    LONGEST_MS,
  );
});
