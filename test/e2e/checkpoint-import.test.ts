import { copyFileSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { BIND, type BindBench, KEYS, startBind } from '../servers/bind.ts';
import { installed } from '../servers/require.ts';
import { cutover, cutoverJson, makeFolder, type StatusDocument } from './cli.ts';

/** Checkpoints of another database: only what can be is taken in, once, and leads nowhere unasked. */

interface Imported {
  checkpoints: { id: number; reason: string; pinned: boolean; dns: { records: unknown[] | null }[] }[];
  known: number[];
  leftOut: { name: string; type: string; why: string }[];
}
type File = Record<string, unknown>;

const NAME = 'llm.example.test.';
const BACK = ['--yes', '--anyway'];

const hooks = (port: number) => `hooks:
  dns:
    - driver: rfc2136
      server: 127.0.0.1:${port}
      zone: example.test
      keyFile: tsig.key
      retries: 0
      records:
        - { name: ${NAME}, type: A, ttl: 30, legacy: 192.0.2.1, target: 192.0.2.2 }
`;

function folder(extra = hooks(9)): string {
  const dir = makeFolder(`models: { a: b }\n${extra}`);
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const record = (change: File = {}): File => ({
  name: NAME,
  type: 'A',
  ttl: 30,
  values: ['192.0.2.1'],
  ...change,
});

const deep = (levels: number) => JSON.parse('['.repeat(levels) + ']'.repeat(levels)) as unknown;

/** A checkpoint as `checkpoint export` writes it. */
const checkpoint = (change: File = {}, records: File[] | null = null): File => ({
  id: 1,
  at: '2026-11-01T10:00:00.000Z',
  reason: 'before canary start',
  status: 'idle',
  ratio: 0,
  activeProvider: 'legacy',
  dns: records ? [{ label: 'dns[0] rfc2136 example.test', records }] : [],
  metrics: {},
  pinned: false,
  operationId: null,
  previous: null,
  ...change,
});

function write(dir: string, checkpoints: File[]): void {
  const text = JSON.stringify({ schemaVersion: 1, command: 'checkpoint', checkpoints });
  writeFileSync(join(dir, 'export.json'), text);
}

/** What the checkpoints of the database say, if there is one. */
function reasons(dir: string): unknown[] {
  const path = join(dir, '.cutover', 'state.db');
  if (!existsSync(path)) return [];
  const db = new Database(path, { readonly: true });
  try {
    return db.prepare('SELECT reason FROM checkpoints').pluck().all();
  } finally {
    db.close();
  }
}

const IMPORT = ['checkpoint', 'import', 'export.json'];

describe('checkpoint import', () => {
  it.each([
    ['complete at 0 %', checkpoint({ status: 'complete' }), /no migration is complete at 0 %/],
    [
      '100 % that is not complete',
      checkpoint({ status: 'rolling', ratio: 1 }),
      /no migration is rolling at 100 %/,
    ],
    ['idle with traffic', checkpoint({ ratio: 0.1 }), /no migration is idle at 10 %/],
    [
      'a canary on target',
      checkpoint({ status: 'canary', ratio: 0.1, activeProvider: 'target' }),
      /target as the/,
    ],
    ['what is no address', checkpoint({}, [record({ values: ['not-an-ip'] })]), /type A: not-an-ip/],
    ['an address of the other kind', checkpoint({}, [record({ type: 'AAAA' })]), /type AAAA: 192\.0\.2\.1/],
    ['what is no name', checkpoint({}, [record({ name: 'a..b' })]), /not a DNS name: a\.\.b/],
    [
      'two CNAMEs',
      checkpoint({}, [record({ type: 'CNAME', values: ['a.b.', 'c.d.'] })]),
      /more than one CNAME/,
    ],
    ['a record twice', checkpoint({}, [record(), record({ name: 'LLM.example.test' })]), /stands here twice/],
    ['what is too deep', checkpoint({ metrics: { a: deep(500) } }), /more than 32 values within one another/],
    ['a reason of a megabyte', checkpoint({ reason: 'x'.repeat(1_000_000) }), /reason/],
    [
      'a label of a megabyte',
      checkpoint({ dns: [{ label: 'x'.repeat(1_000_000), records: null }] }),
      /label/,
    ],
    [
      'a fault of a megabyte',
      checkpoint({ dns: [{ label: 'x', records: null, error: 'x'.repeat(1_000_000) }] }),
      /error/,
    ],
    ['a name of a megabyte', checkpoint({}, [record({ name: 'x'.repeat(1_000_000) })]), /name/],
    [
      'a text that no record holds',
      checkpoint({}, [record({ type: 'TXT', values: ['x'.repeat(1_000_000)] })]),
      /values/,
    ],
    [
      'more values than an answer holds',
      checkpoint({}, [record({ values: Array(70_000).fill('192.0.2.1') })]),
      /values/,
    ],
    ['metrics of a megabyte', checkpoint({ metrics: { a: 'x'.repeat(1_000_000) } }), /metrics/],
    ['a date in the year 9999', checkpoint({ at: '9999-12-31T23:59:59.000Z' }), /at .*is in the future/],
    [
      'a date in ten minutes',
      checkpoint({ at: new Date(Date.now() + 600_000).toISOString() }),
      /is in the future/,
    ],
    ['a date before there was cutover', checkpoint({ at: '2019-01-01T00:00:00.000Z' }), /older than cutover/],
    ['a TTL that none has', checkpoint({}, [record({ ttl: -1 })]), /ttl/],
  ])('refuses %s, with its place, and takes in nothing of the file', async (_name, bad, text) => {
    const dir = folder();
    write(dir, [checkpoint({ reason: 'good' }), bad]);
    const { code, stdout, stderr } = await cutover(dir, IMPORT);
    expect([code, stdout]).toEqual([65, '']);
    expect(stderr).toMatch(text);
    expect(stderr).toMatch(/checkpoints\[1\]/);
    expect(stderr.length).toBeLessThan(2000);
    expect(reasons(dir)).toEqual([]);
  });

  it('refuses the same in a dry run', async () => {
    const dir = folder();
    write(dir, [checkpoint({ reason: 'good' }), checkpoint({ status: 'complete' })]);
    const { code, stdout, stderr } = await cutover(dir, [...IMPORT, '--dry-run']);
    expect([code, stdout, reasons(dir)]).toEqual([65, '', []]);
    expect(stderr).toMatch(/no migration is complete at 0 %/);
    expect(stderr).toMatch(/checkpoints\[1\]/);
    expect(await cutoverJson(dir, ['checkpoint', 'list'])).toMatchObject({ checkpoints: [] });
  });

  it('counts once what comes again, also beside what is new, and where it came from', async () => {
    const dir = folder('');
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    await cutoverJson(dir, ['checkpoint', 'create', '--reason', 'mine']);
    const exported = (await cutover(dir, ['checkpoint', 'export'])).stdout;
    const other = folder('');
    for (const place of [dir, other]) writeFileSync(join(place, 'export.json'), exported);

    const first = await cutoverJson<Imported>(other, IMPORT);
    expect(first.checkpoints.map(({ reason, pinned }) => [reason, pinned])).toEqual([
      ['mine', true],
      ['before canary start', true],
    ]);
    expect(first.known).toEqual([]);
    const again = await cutoverJson<Imported>(other, IMPORT);
    expect(again).toMatchObject({ checkpoints: [], known: [1, 2] });
    expect((await cutover(other, IMPORT)).stdout).toBe(
      'nothing to take in\nhere already: checkpoints 1, 2\n',
    );
    expect(await cutoverJson(dir, IMPORT)).toMatchObject({ checkpoints: [], known: [1, 2] });
    const told = await cutoverJson<{ entries: unknown[] }>(other, ['history', '--event', 'imported']);
    expect(told.entries).toHaveLength(1);

    // Twice in one file, laid out otherwise, and one that is new.
    const { checkpoints } = JSON.parse(exported) as { checkpoints: File[] };
    const turned = Object.fromEntries(Object.entries(checkpoints[0] as File).reverse());
    write(other, [...checkpoints, turned, checkpoint({ reason: 'new' }), checkpoint({ reason: 'new' })]);
    const plan = await cutoverJson<{ plan: Imported }>(other, [...IMPORT, '--dry-run']);
    expect(plan.plan).toMatchObject({ checkpoints: [{ reason: 'new' }], known: [1, 2] });
    expect(await cutoverJson(other, IMPORT)).toMatchObject({
      checkpoints: [{ reason: 'new' }],
      known: [1, 2],
    });
  });

  it('is not the last checkpoint of this migration, whenever it is taken in', async () => {
    const dir = folder('');
    write(dir, [checkpoint()]);
    await cutoverJson(dir, IMPORT);
    expect(await cutoverJson<StatusDocument>(dir, ['status'])).toMatchObject({ lastCheckpoint: null });
    expect((await cutover(dir, ['status'])).stdout).toMatch(/^checkpoint +none yet$/m);
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    write(dir, [checkpoint({ reason: 'older' })]);
    await cutoverJson(dir, IMPORT);
    expect(await cutoverJson<StatusDocument>(dir, ['status'])).toMatchObject({
      lastCheckpoint: { id: 2, reason: 'before canary start' },
    });
  });

  it('takes whatever a command of ours has made, and a clock that is a little ahead', async () => {
    const dir = folder('');
    // As long as one argument may be.
    const reason = 'why \u{1f4a5} '.repeat(10_000);
    const created = await cutoverJson<Imported>(dir, ['checkpoint', 'create', '--reason', reason]);
    expect(created.checkpoints[0]?.reason).toMatch(/^why .*…$/su);
    const whole = await cutoverJson<{ entries: { detail: { reason: string } }[] }>(dir, ['history']);
    expect(whole.entries[0]?.detail.reason).toBe(reason);
    const exported = (await cutover(dir, ['checkpoint', 'export'])).stdout;
    const other = folder('');
    writeFileSync(join(other, 'export.json'), exported);
    const taken = await cutoverJson<Imported>(other, IMPORT);
    expect(taken.checkpoints[0]?.reason).toBe(created.checkpoints[0]?.reason);
    write(other, [checkpoint({ at: new Date(Date.now() + 60_000).toISOString() })]);
    expect((await cutoverJson<Imported>(other, IMPORT)).checkpoints).toHaveLength(1);
  });

  it('takes in records in the form in which they are compared, and nothing besides', async () => {
    const dir = folder();
    write(dir, [
      checkpoint({}, [
        record({ name: 'LLM.Example.Test', values: ['192.0.2.9', '192.0.2.1'], raw: ['192.0.2.2'] }),
      ]),
      checkpoint({ dns: [{ label: 'x', records: null, error: 'no answer\u001b[31m' }] }),
    ]);
    const { checkpoints, leftOut } = await cutoverJson<Imported>(dir, IMPORT);
    expect(leftOut).toEqual([]);
    expect(checkpoints.map(({ dns }) => dns[0])).toEqual([
      {
        label: expect.any(String),
        records: [{ name: NAME, type: 'A', ttl: 30, values: ['192.0.2.1', '192.0.2.9'] }],
      },
      { label: 'x', records: null, error: 'no answer\\x1b[31m' },
    ]);
  });

  it('leaves out what a rollback to it must not write, and says which and why', async () => {
    const dir = folder();
    write(dir, [
      checkpoint({}, [record({ values: ['192.0.2.2'] }), record({ name: 'other.example.test.' })]),
      checkpoint({ status: 'complete', ratio: 1, activeProvider: 'target' }, [
        record({ values: ['192.0.2.2'] }),
      ]),
    ]);
    const ran = await cutover(dir, [...IMPORT, '--json']);
    const { checkpoints, leftOut } = JSON.parse(ran.stdout) as Imported;
    // Half a reading would be put back for all of it.
    expect(checkpoints.map(({ dns }) => dns[0]?.records?.length)).toEqual([undefined, 1]);
    expect(leftOut).toEqual([
      { name: NAME, type: 'A', why: 'it leads to target, in a checkpoint of legacy' },
      { name: 'other.example.test.', type: 'A', why: 'no hook names it' },
    ]);
    for (const { name, type, why } of leftOut) {
      expect(ran.stderr).toContain(`warning: not taken in: ${name} ${type}: ${why}`);
    }
    // It is known again by what was taken in of it.
    expect(await cutoverJson(dir, IMPORT)).toMatchObject({ checkpoints: [], known: [1, 2] });
  });

  it('leads up only when that is meant', async () => {
    const dir = folder('');
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    write(dir, [checkpoint({ status: 'complete', ratio: 1, activeProvider: 'target' })]);
    await cutoverJson(dir, IMPORT);
    const up = ['rollback', '--to', '2', ...BACK, '--confirm', 'chat-prod'];
    const refused = await cutover(dir, up);
    expect([refused.code, refused.stderr]).toEqual([64, expect.stringContaining('10 % → 100 %')]);
    expect(await cutoverJson(dir, ['status'])).toMatchObject({ ratio: 0.1, flag: { ratio: 0.1 } });
    await cutoverJson(dir, [...up, '--force', '--reason', 'meant']);
    expect(await cutoverJson(dir, ['status'])).toMatchObject({ status: 'complete', flag: { ratio: 1 } });
  });

  it('that an older version took for complete at 0 % moves DNS to target only when that is meant', async () => {
    const dir = folder(`hooks: { dns: [{ driver: exec, command: [touch, moved] }] }\n`);
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    const db = new Database(join(dir, '.cutover', 'state.db'));
    db.exec(`INSERT INTO checkpoints (at, reason, status, ratio, active_provider)
             VALUES (0, 'imported', 'complete', 0, 'target')`);
    db.close();
    const ran = await cutover(dir, ['rollback', '--to', '2', ...BACK, '--confirm', 'chat-prod']);
    expect([ran.code, ran.stderr]).toEqual([
      64,
      expect.stringContaining('target becomes the active provider'),
    ]);
    expect(await cutoverJson<StatusDocument>(dir, ['status'])).toMatchObject({
      ratio: 0.1,
      unfinished: null,
    });
  });
});

describe.skipIf(!installed(BIND))('a rollback to an imported checkpoint', () => {
  let bench: BindBench;
  beforeAll(async () => {
    bench = await startBind();
  });
  afterAll(async () => {
    await bench?.stop();
  });

  it('writes no record that no hook names, and leads no record to target', async () => {
    const dir = folder(hooks(bench.port));
    copyFileSync(join(bench.dir, KEYS.right), join(dir, 'tsig.key'));
    await bench.put(NAME, 'A', 30, ['192.0.2.1']);
    await bench.put('other.example.test.', 'A', 30, ['192.0.2.77']);
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    write(dir, [
      checkpoint({}, [record({ values: ['192.0.2.2'] }), record({ name: 'other.example.test.' })]),
    ]);
    const { checkpoints } = await cutoverJson<Imported>(dir, IMPORT);
    const back = ['rollback', '--to', String(checkpoints[0]?.id), ...BACK, '--confirm', 'chat-prod'];
    await cutoverJson(dir, back);
    expect(await bench.look(NAME, 'A')).toEqual(['192.0.2.1']);
    expect(await bench.look('other.example.test.', 'A')).toEqual(['192.0.2.77']);

    // What was left out is not left on target either.
    const forced = ['--yes', '--force', '--reason', 'test'];
    await cutoverJson(dir, ['canary', 'start', ...forced]);
    await cutoverJson(dir, ['shift', '100%', ...forced, '--confirm', 'chat-prod']);
    expect(await bench.look(NAME, 'A')).toEqual(['192.0.2.2']);
    await cutoverJson(dir, back);
    expect(await bench.look(NAME, 'A')).toEqual(['192.0.2.1']);
    expect(await bench.look('other.example.test.', 'A')).toEqual(['192.0.2.77']);
  });

  async function beside(checkpoints: File[], zone = '192.0.2.1') {
    const dir = folder(hooks(bench.port));
    copyFileSync(join(bench.dir, KEYS.right), join(dir, 'tsig.key'));
    await bench.put(NAME, 'A', 30, [zone]);
    write(dir, checkpoints);
    await cutoverJson(dir, IMPORT);
    return dir;
  }

  it('is what it is for: what is drift, and what `dns apply` writes, is not in it', async () => {
    const dir = await beside([checkpoint({}, [record({ values: ['6.6.6.6'] })])], '192.0.2.7');
    const sound = async () => {
      expect(await cutoverJson(dir, ['status'])).toMatchObject({ drift: [] });
      await cutoverJson(dir, ['dns', 'apply', '--yes']);
      expect(await bench.look(NAME, 'A')).toEqual(['192.0.2.7']);
    };
    await sound();
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    await sound();
    // What was read at the start counts still.
    await bench.put(NAME, 'A', 30, ['192.0.2.8']);
    await cutoverJson(dir, ['dns', 'apply', '--yes']);
    expect(await bench.look(NAME, 'A')).toEqual(['192.0.2.7']);
  });

  it('of target leads the records to target, and a rollback brings them back', async () => {
    const dir = await beside([
      checkpoint({ status: 'complete', ratio: 1, activeProvider: 'target' }, [
        record({ values: ['192.0.2.2'] }),
      ]),
    ]);
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    const up = ['rollback', '--to', '1', ...BACK, '--confirm', 'chat-prod', '--force', '--reason', 'meant'];
    const { undo } = await cutoverJson<{ undo: string }>(dir, up);
    expect(await bench.look(NAME, 'A')).toEqual(['192.0.2.2']);
    expect(await cutoverJson(dir, ['status'])).toMatchObject({ status: 'complete', drift: [] });
    const to = /--to (\d+)/.exec(undo)?.[1] ?? '?';
    await cutoverJson(dir, ['rollback', '--to', to, ...BACK, '--confirm', 'chat-prod']);
    expect(await bench.look(NAME, 'A')).toEqual(['192.0.2.1']);
  });
});
