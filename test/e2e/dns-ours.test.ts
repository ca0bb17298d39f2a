import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { BIND, type BindBench, KEYS, startBind } from '../servers/bind.ts';
import { installed, pathOf } from '../servers/require.ts';
import { cutover, cutoverJson, makeFolder, type Ran } from './cli.ts';
import { prepared } from './prepared.ts';

/** What may be ours stays known until it is put back, and no way back that is done leaves a record on target. */

vi.setConfig({ testTimeout: 60_000 });

const FORCE = ['--force', '--reason', 'test'];
const CONFIRM = ['--confirm', 'chat-prod'];
const SHIFT = ['shift', '100%', ...FORCE, ...CONFIRM];
const BACK = ['rollback', '--to', '1', '--anyway', ...CONFIRM];
const EMERGENCY = ['rollback', '--emergency'];
const WAYS = [
  ['a rollback', BACK],
  ['an emergency', EMERGENCY],
] as const;
const [LEGACY, TARGET, FOREIGN] = ['192.0.2.1', '198.51.100.9', '203.0.113.7'];
const OLDER = '192.0.2.55';
/** Another address of target. */
const ALSO = '198.51.100.10';

let serial = 0;
const freshName = () => `o${++serial}.example.test.`;
const record = (name: string, more: object = {}) => ({
  ...{ name, type: 'A', ttl: 30, legacy: LEGACY, target: TARGET },
  ...more,
});

interface Step {
  kind: string;
  outcome: string;
  code?: string;
  error?: string;
  hint?: string;
}
interface Status {
  safe: boolean;
  drift: unknown[];
}

const dnsStep = ({ stdout }: Ran): Step | undefined =>
  (JSON.parse(stdout) as { steps: Step[] }).steps.find(({ kind }) => kind === 'dns');

describe.skipIf(!installed(BIND))('on the way back', () => {
  let bench: BindBench;
  beforeAll(async () => {
    bench = await startBind();
  });
  afterAll(async () => {
    await bench?.stop();
  });

  const put = (name: string, value: string, ttl = 300) => bench.put(name, 'A', ttl, [value]);
  const look = async (name: string) => (await bench.look(name, 'A')).join();

  /** A new folder, with the key of the server. */
  function make(): string {
    const dir = makeFolder();
    copyFileSync(join(bench.dir, KEYS.right), join(dir, KEYS.right));
    return dir;
  }

  function migration(records: object[], more: object = {}) {
    const dir = make();
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    return migrationIn(dir, records, more);
  }

  function migrationIn(dir: string, records: object[], more: object = {}) {
    const config = readFileSync(join(dir, 'cutover.yaml'), 'utf8').replace(/^hooks: .*\n/m, '');
    const setHooks = (...dns: object[]) =>
      writeFileSync(join(dir, 'cutover.yaml'), `${config}hooks: ${JSON.stringify({ dns })}\n`);
    const set = (list: object[]) =>
      setHooks(...(list.length > 0 ? [bench.entry(list, { retries: 0, ...more })] : []));
    set(records);
    return {
      dir,
      set,
      setHooks,
      run: (...args: string[]) => cutover(dir, [...args, '--json']),
      json: <T = Record<string, unknown>>(...args: string[]) => cutoverJson<T>(dir, args),
      /** Ends in its DNS step with SIGKILL, before or after the server has the change. */
      async killed(when: 'before' | 'after', ...args: string[]) {
        const bin = join(dir, 'bin');
        mkdirSync(bin, { recursive: true });
        const write = when === 'after' ? `${pathOf('nsupdate')} "$@"\n` : '';
        writeFileSync(join(bin, 'nsupdate'), `#!/bin/sh\n${write}kill -9 $PPID\n`, { mode: 0o755 });
        const { signal } = await cutover(dir, args, { env: { PATH: `${bin}:${process.env.PATH}` } });
        expect(signal).toBe('SIGKILL');
      },
      async complete() {
        await cutoverJson(dir, ['canary', 'start', '--yes', ...FORCE]);
        await cutoverJson(dir, SHIFT);
      },
    };
  }

  /** One record that was moved to target. */
  const MOVED = 'moved.example.test.';
  const movedOnce = prepared(async () => {
    await put(MOVED, LEGACY);
    const at = migrationIn(make(), [record(MOVED)]);
    await at.complete();
    return at.dir;
  });
  async function moved() {
    const dir = await movedOnce();
    await put(MOVED, TARGET, 30);
    return { ...migrationIn(dir, [record(MOVED)]), name: MOVED };
  }

  /** Two records that were moved to target. */
  const [FIRST, SECOND] = ['first.example.test.', 'second.example.test.'];
  const twoMovedOnce = prepared(async () => {
    for (const name of [FIRST, SECOND]) await put(name, LEGACY);
    const at = migrationIn(make(), [record(FIRST), record(SECOND)]);
    await at.complete();
    return at.dir;
  });
  async function twoMoved() {
    const dir = await twoMovedOnce();
    for (const name of [FIRST, SECOND]) await put(name, TARGET, 30);
    return { ...migrationIn(dir, [record(FIRST), record(SECOND)]), one: FIRST, two: SECOND };
  }

  /** Two records, and a move of both that is killed; then somebody else writes the first, and `resume` meets that. */
  function killedAndEdited(when: 'before' | 'after') {
    const [one, two] = [`${when}1.example.test.`, `${when}2.example.test.`];
    let resumed: Ran;
    let left: string;
    const once = prepared(async () => {
      await put(one, LEGACY);
      await put(two, LEGACY);
      const at = migrationIn(make(), [record(one), record(two)]);
      await at.json('canary', 'start', '--yes');
      await at.killed(when, ...SHIFT);
      await put(one, FOREIGN);
      resumed = await at.run('resume');
      left = await look(two);
      expect([resumed.code, dnsStep(resumed)?.code]).toEqual([4, 'DNS_FOREIGN']);
      return at.dir;
    });
    return async () => {
      const dir = await once();
      await put(one, FOREIGN);
      await put(two, left, left === TARGET ? 30 : 300);
      return { ...migrationIn(dir, [record(one), record(two)]), one, two, resumed };
    };
  }

  describe.each(['before', 'after'] as const)(
    'of a move killed %s its write, which somebody edits',
    (when) => {
      const edited = killedAndEdited(when);

      it.each(WAYS)('%s still knows what is ours', async (_name, way) => {
        const { one, two, resumed, run } = await edited();
        expect(dnsStep(resumed)?.error).toMatch(
          new RegExp(`${one} A ${FOREIGN}.*, where ${LEGACY} \\(TTL 300 s\\) was found`),
        );
        const met = await run(...way);
        expect([met.code, dnsStep(met)?.code, dnsStep(met)?.error]).toEqual([
          4,
          'DNS_FOREIGN',
          expect.stringContaining(`${one} A ${FOREIGN}`),
        ]);
        expect([await look(one), await look(two)]).toEqual([FOREIGN, LEGACY]);
      });

      it.each(WAYS)('%s puts back what says so again', async (_name, way) => {
        const { one, two, run } = await edited();
        await put(one, TARGET, 30);
        const { code } = await run(...way);
        expect([code, await look(one), await look(two)]).toEqual([0, LEGACY, LEGACY]);
      });
    },
  );

  it.each(WAYS)(
    '%s knows what a killed move may have written whose hook was gone for a while',
    async (_name, way) => {
      const name = freshName();
      await put(name, LEGACY);
      const at = migration([record(name)]);
      await at.json('canary', 'start', '--yes');
      await at.killed('after', ...SHIFT);
      at.set([]);
      const gone = await at.run('resume');
      expect([gone.code, dnsStep(gone)?.code]).toEqual([4, 'DRIVER_GONE']);
      at.set([record(name)]);
      const { code } = await at.run(...way);
      expect([code, await look(name)]).toEqual([0, LEGACY]);
    },
  );

  /** Two moved records, of which one is back and the other is not, as it is somebody else's. */
  it.each([
    ['our step has put back is left alone by another emergency', 'our step', EMERGENCY],
    ['our step has put back is left alone by `resume`', 'our step', ['resume']],
    ['somebody else has put back is left alone by a rollback', 'somebody else', BACK],
  ] as const)('a record edited after %s that overwrites what is somebody else’s', async (_name, who, way) => {
    const { one, two, ...at } = await twoMoved();
    await put(two, FOREIGN);
    if (who === 'somebody else') await put(one, LEGACY);
    const met = await at.run(...EMERGENCY);
    expect([met.code, dnsStep(met)?.code, await look(one)]).toEqual([4, 'DNS_FOREIGN', LEGACY]);
    expect(dnsStep(met)?.error).not.toContain(one);
    await put(one, OLDER);
    const ran = await at.run(...way, '--overwrite-dns');
    expect([ran.code, await look(one), await look(two)]).toEqual([0, OLDER, LEGACY]);
  });

  it('a second emergency does not lead to target what the first, without its journal, has led away', async () => {
    const { name, ...at } = await moved();
    rmSync(join(at.dir, '.cutover'), { recursive: true });
    for (const target of [TARGET, '198.51.100.10']) {
      at.set([record(name, { target })]);
      await at.run(...EMERGENCY);
      expect(await look(name)).toBe(LEGACY);
    }
    expect(await at.json<Status>('status')).toMatchObject({ drift: [] });
  });

  describe.each(WAYS)('%s that finds on target what is not ours', (_name, way) => {
    it('leaves it alone, names it, and can be told to lead it away', async () => {
      const name = freshName();
      await put(name, TARGET);
      const at = migration([record(name)]);
      await at.json('canary', 'start', '--yes');
      const planned = await at.json<{ plan: { notes?: string[] } }>(...way, '--dry-run');
      const met = await at.run(...way);
      expect([met.code, await look(name)]).toEqual([4, TARGET]);
      // What the dry run shows is that very plan.
      expect(planned.plan.notes?.join()).toContain(`${dnsStep(met)?.error}, and the step fails (exit 4)`);
      expect(dnsStep(met)).toMatchObject({
        code: 'DNS_ON_TARGET',
        error: expect.stringContaining(`${name} A ${TARGET} (TTL 300 s)`),
        hint: expect.stringContaining('--overwrite-dns'),
      });
      expect((await at.run('resume')).code).toBe(4);
      await at.json('resume', '--overwrite-dns');
      expect(await look(name)).toBe(LEGACY);
      // That is the end of it: nothing leads there again.
      await at.json(...EMERGENCY);
      expect(await look(name)).toBe(LEGACY);
      expect(await at.json<Status>('status')).toMatchObject({ safe: true, drift: [] });
    });

    it('puts back what is ours beside it', async () => {
      const [one, two] = [freshName(), freshName()];
      await put(one, LEGACY);
      await put(two, TARGET);
      const at = migration([record(one), record(two)]);
      await at.complete();
      const met = await at.run(...way);
      expect([met.code, dnsStep(met)?.code]).toEqual([4, 'DNS_ON_TARGET']);
      expect(dnsStep(met)?.error).not.toContain(one);
      expect([await look(one), await look(two)]).toEqual([LEGACY, TARGET]);
      await at.json(...way, '--overwrite-dns');
      expect([await look(one), await look(two)]).toEqual([LEGACY, LEGACY]);
    });

    it('that somebody has put there after everything was put back', async () => {
      const { name, ...at } = await moved();
      await at.json(...EMERGENCY);
      await put(name, TARGET, 30);
      const met = await at.run(...way);
      expect([met.code, dnsStep(met)?.code, await look(name)]).toEqual([4, 'DNS_ON_TARGET', TARGET]);
      await at.json('dns', 'apply', '--keep', '--yes');
      expect(await at.json<Status>('status')).toMatchObject({ safe: true, drift: [] });
    });
  });

  it('a rollback to target names what is on legacy and not moved there by us', async () => {
    const [one, two, three] = [freshName(), freshName(), freshName()];
    for (const name of [one, two, three]) await put(name, LEGACY);
    const at = migration([record(one)]);
    await at.complete();
    const { checkpoint } = await at.json<{ checkpoint: number }>(...BACK);
    // Of several addresses of legacy one alone is not what legacy has.
    at.set([record(one), record(two), record(three, { legacy: [LEGACY, OLDER] })]);
    const met = await at.run('rollback', '--to', String(checkpoint), '--anyway', ...FORCE, ...CONFIRM);
    expect([met.code, await look(one), await look(two)]).toEqual([4, TARGET, LEGACY]);
    expect(dnsStep(met)).toMatchObject({
      code: 'DNS_ON_LEGACY',
      error: `on legacy, and not moved there by this migration: ${two} A ${LEGACY} (TTL 300 s): left alone`,
      hint: expect.stringContaining(
        `to write ${two} A ${TARGET} (TTL 30 s): \`cutover resume --overwrite-dns\``,
      ),
    });
    await at.json('resume', '--overwrite-dns');
    expect([await look(two), await look(three)]).toEqual([TARGET, LEGACY]);
  });

  describe.each([
    ['one of them', [ALSO]],
    ['one of them beside what legacy has', [LEGACY, ALSO]],
  ])('where target has two addresses, and the record says %s', (_name, values) => {
    it.each(WAYS)('%s says so, and can be told to lead it away', async (_way, way) => {
      const name = freshName();
      await put(name, LEGACY);
      const at = migration([record(name, { target: [TARGET, ALSO] })]);
      await at.json('canary', 'start', '--yes');
      await bench.put(name, 'A', 30, values);
      const met = await at.run(...way);
      expect([met.code, dnsStep(met)?.code, await look(name)]).toEqual([4, 'DNS_ON_TARGET', values.join()]);
      expect(dnsStep(met)?.error).toContain(ALSO);
      await at.json('resume', '--overwrite-dns');
      expect(await look(name)).toBe(LEGACY);
      // That is the end of it: nothing leads there again.
      await at.json(...EMERGENCY);
      expect(await look(name)).toBe(LEGACY);
      expect(await at.json<Status>('status')).toMatchObject({ safe: true, drift: [] });
    });
  });

  it('what both providers have leads nowhere else', async () => {
    const name = freshName();
    await put(name, LEGACY);
    const at = migration([record(name, { target: [LEGACY, TARGET] })]);
    await at.json('canary', 'start', '--yes');
    await at.json(...EMERGENCY);
    expect(await look(name)).toBe(LEGACY);
  });

  it('names what was there from the start, until somebody says that it is kept', async () => {
    const name = freshName();
    await put(name, TARGET);
    const at = migration([record(name)]);
    await at.json('canary', 'start', '--yes');
    expect((await at.run(...BACK)).code).toBe(4);
    expect((await at.run('canary', 'start', '--yes')).code).toBe(75);
    await at.json('dns', 'apply', '--keep', '--yes');
    expect((await at.run('canary', 'start', '--yes')).code).toBe(0);
    expect(await look(name)).toBe(TARGET);
  });

  it('knows a name that has changed its type by what leads to target', async () => {
    const name = freshName();
    await bench.put(name, 'A', 300, [TARGET]);
    const at = migration([
      { name, type: 'CNAME', ttl: 30, legacy: 'legacy.example.net', target: [] },
      { name, type: 'A', ttl: 30, legacy: [], target: TARGET },
    ]);
    await at.json('canary', 'start', '--yes');
    expect((await at.run(...BACK)).code).toBe(4);
    await at.json('resume', '--overwrite-dns');
    expect([await bench.look(name, 'CNAME'), await bench.look(name, 'A')]).toEqual([
      ['legacy.example.net.'],
      [],
    ]);
    // Where there is no such name at all, nothing leads to target.
    await bench.put(name, 'CNAME', 30, []);
    await at.json(...EMERGENCY);
  });

  it('a new legacy address of zone and config is no drift, and nothing leads to the former one', async () => {
    const name = freshName();
    const [newer, other] = ['192.0.2.77', '192.0.2.78'];
    await put(name, LEGACY);
    const at = migration([record(name)]);
    await at.json('canary', 'start', '--yes');
    await put(name, newer);
    at.set([record(name, { legacy: newer })]);
    const sound = async () => {
      expect(await at.json<Status>('status')).toMatchObject({ safe: true, drift: [] });
      await at.json('dns', 'apply', '--yes');
      expect(await look(name)).toBe(newer);
    };
    await sound();
    // Nor after it was moved and put back, of what was put back.
    await at.json(...SHIFT);
    await at.json(...BACK);
    await sound();
    await put(name, other, 900);
    at.set([record(name, { legacy: other })]);
    expect(await at.json<Status>('status')).toMatchObject({ safe: true, drift: [] });
    await at.json('dns', 'apply', '--yes');
    expect(await look(name)).toBe(other);
  });

  describe('of a record whose TTL was lowered, which somebody gives another address', () => {
    const newer = '192.0.2.55';
    async function renewed(ttl: number) {
      const name = freshName();
      await put(name, LEGACY);
      const at = migration([record(name)], { lowerTtl: 30 });
      await at.json('canary', 'start', '--yes');
      await put(name, newer, ttl);
      at.set([record(name, { legacy: newer })]);
      return { ...at, name };
    }
    const sound = async ({ json, name }: Awaited<ReturnType<typeof renewed>>) => {
      expect(await json<Status>('status')).toMatchObject({ safe: true, drift: [] });
      await json(...EMERGENCY);
      expect(await look(name)).toBe(newer);
      expect(await json<Status>('status')).toMatchObject({ safe: true, drift: [] });
    };

    it.each(WAYS)('%s has nothing to do where the config has that, too', async (_name, way) => {
      const at = await renewed(30);
      await at.json(...way);
      await sound(at);
    });

    it.each(WAYS)('`dns apply --keep` ends %s that waits for what counts as right', async (_name, way) => {
      const at = await renewed(600);
      const met = await at.run(...way);
      expect([met.code, dnsStep(met)?.code]).toEqual([4, 'DNS_FOREIGN']);
      expect((await at.run('resume')).code).toBe(4);
      await at.json('dns', 'apply', '--keep', '--yes');
      await sound(at);
    });
  });

  it.each(WAYS)(
    'of a record that was moved, %s has nothing to do where it says what the config has, whatever its TTL',
    async (_name, way) => {
      const { name, ...at } = await moved();
      await put(name, LEGACY, 77);
      await at.json(...way);
      expect(await bench.exact(name)).toEqual([expect.stringMatching(/\b77\b/)]);
      expect(await at.json<Status>('status')).toMatchObject({ safe: true, drift: [] });
    },
  );

  describe.each(WAYS)('where target has renewed its address, in zone and config, %s', (_name, way) => {
    const newer = '198.51.100.77';
    async function renewed() {
      const { name, ...at } = await moved();
      await put(name, newer, 30);
      at.set([record(name, { target: newer, legacy: OLDER })]);
      expect(await at.json<Status>('status')).toMatchObject({ drift: [] });
      return { ...at, name };
    }

    it('says what there is, what the config has, and which command moves it', async () => {
      const { dir, name, json, run } = await renewed();
      const { code, stderr } = await cutover(dir, way);
      expect([code, await look(name)]).toEqual([4, newer]);
      const said = stderr.replace(/\s+/g, ' ');
      expect(said).toContain(`${name} A ${newer} (TTL 30 s), where ${TARGET} (TTL 30 s) was written`);
      expect(said).toContain(
        `to write ${name} A ${LEGACY} (TTL 300 s): \`cutover resume --overwrite-dns\`` +
          ` (the config has ${name} A ${OLDER} (TTL 30 s) for legacy)`,
      );
      expect((await run('dns', 'diff')).code).toBe(2);
      await json('dns', 'apply', '--yes');
      expect(await look(name)).toBe(LEGACY);
      expect(await json<Status>('status')).toMatchObject({ safe: true, drift: [], unfinished: null });
    });

    it('puts it back where `dns apply --keep` has taken it in', async () => {
      const { dir, name, json } = await renewed();
      expect((await cutover(dir, ['dns', 'status'])).stdout.replace(/\s+/g, ' ')).toContain(
        'newer than what our steps wrote: `cutover dns apply --keep` takes it in',
      );
      const { checkpoint } = await json<{ checkpoint: number }>('dns', 'apply', '--keep', '--yes');
      await json(...way);
      expect(await bench.exact(name)).toEqual([expect.stringMatching(/\b300\s+IN\s+A\s+192\.0\.2\.1$/)]);
      // What was taken in is the value of today, also for a checkpoint that was made before.
      await json('rollback', '--to', String(checkpoint), '--anyway', ...FORCE, ...CONFIRM);
      expect(await look(name)).toBe(newer);
    });
  });

  it.each(WAYS)('%s beside such a one is done when the other is served', async (_name, way) => {
    const { one, two, ...at } = await twoMoved();
    await put(one, LEGACY, 77);
    const { server } = (await bench.unreachable()) as { server: string };
    const slow = { retries: 0, timeout: '2s', verify: [server] };
    at.setHooks(bench.entry([record(one), record(two)], slow));
    const met = await at.run(...way);
    expect([met.code, dnsStep(met)?.code, await look(two)]).toEqual([4, 'DNS_NOT_SERVED', LEGACY]);
    expect(dnsStep(met)?.hint).toContain('take it out of `verify`, and `cutover resume` finishes the step');
    at.set([record(one), record(two)]);
    await at.json('resume');
    expect(await at.json<Status>('status')).toMatchObject({ safe: true, drift: [] });
  });

  it.each(WAYS)('`--overwrite-dns` has the last word on %s', async (_name, way) => {
    const { name, ...at } = await moved();
    await put(name, LEGACY, 77);
    await at.json(...way, '--overwrite-dns');
    expect(await bench.exact(name)).toEqual([expect.stringMatching(/\b300\b/)]);
  });

  it('`resume --overwrite-dns --dry-run` shows what the run does', async () => {
    const { name, ...at } = await moved();
    await put(name, FOREIGN, 7);
    expect((await at.run(...BACK)).code).toBe(4);
    const resume = ['resume', '--overwrite-dns'];
    const shown = async (...args: string[]) =>
      (await cutover(at.dir, [...args, '--dry-run'])).stdout.replace(/\s+/g, ' ');
    expect(await shown('resume')).toContain('(left alone: somebody else has changed it)');
    expect(await shown(...resume)).toContain('(overwritten: somebody else has changed it)');
    expect(await at.json(...resume, '--dry-run')).toMatchObject({
      plan: { overwriteDns: true, dns: [{ records: [{ values: [FOREIGN] }] }] },
    });
    await at.json(...resume);
    expect(await look(name)).toBe(LEGACY);
  });

  it.each([...WAYS, ['resume', ['resume']]] as const)(
    'the dry run of %s names the hooks that are gone, and what to set by hand',
    async (kind, way) => {
      const name = freshName();
      await put(name, LEGACY);
      const at = migration([record(name)]);
      at.setHooks({ driver: 'exec', command: ['true'] }, bench.entry([record(name)], { retries: 0 }));
      await at.complete();
      at.set([]);
      if (kind === 'resume') expect((await at.run(...BACK)).code).toBe(4);
      const { notes } = (await at.json<{ plan: { notes?: string[] } }>(...way, '--dry-run')).plan;
      const ran = await at.run(...way);
      const { steps } = JSON.parse(ran.stdout) as { steps: Step[] };
      const gone = steps.filter(({ code }) => code === 'DRIVER_GONE');
      expect([ran.code, gone.length]).toEqual([4, 2]);
      for (const { error } of gone) expect(notes).toContainEqual(`${error}, and the step fails (exit 4)`);
      expect(notes?.join()).toContain(`set by hand: ${name} A ${LEGACY} (TTL 300 s)`);
    },
  );

  it('names the server that the config had for a step, and what leads there when it is mended', async () => {
    const [one, two] = [freshName(), freshName()];
    await put(one, LEGACY);
    await put(two, LEGACY);
    const at = migration([record(one)]);
    const hook = (name: string, more = {}) => bench.entry([record(name)], { retries: 0, ...more });
    const mistyped = await bench.unreachable();
    at.setHooks(hook(one), hook(two, { ...mistyped, timeout: '1s' }));
    await at.json('canary', 'start', '--yes');
    expect((await at.run(...SHIFT)).code).toBe(4);
    at.setHooks(hook(one), hook(two));
    const resumed = await at.run('resume');
    const { steps } = JSON.parse(resumed.stdout) as { steps: Step[] };
    expect(steps.find(({ code }) => code === 'DRIVER_GONE')).toMatchObject({
      error: expect.stringContaining(String((mistyped as { server?: string }).server)),
      hint: expect.stringContaining('`cutover dns apply`'),
    });
    expect([resumed.code, await look(two)]).toEqual([4, LEGACY]);
    await at.json('dns', 'apply', '--yes');
    expect([await look(one), await look(two)]).toEqual([TARGET, TARGET]);
    expect(await at.json<Status>('status')).toMatchObject({ safe: true, drift: [], unfinished: null });
  });

  it('`dns apply` with nothing to write names the operation that is not finished', async () => {
    const name = freshName();
    const at = migration([record(name)], { ...(await bench.unreachable()), timeout: '1s' });
    await put(name, LEGACY);
    await at.json('canary', 'start', '--yes');
    expect((await at.run(...SHIFT)).code).toBe(4);
    at.setHooks(bench.entry([record(name)], { retries: 0 }));
    await put(name, TARGET, 30);
    const ran = await at.run('dns', 'apply', '--yes');
    expect([ran.code, ran.stderr]).toEqual([75, expect.stringMatching(/the shift op-\S+ is not finished/)]);
    expect(await at.json<Status>('status')).toMatchObject({ unfinished: { kind: 'shift' } });
  });

  it('`dns apply --keep` ends a step whose hook was mistyped, and is gone', async () => {
    const [one, two] = [freshName(), freshName()];
    await put(one, LEGACY);
    const at = migration([record(one)]);
    const hook = (name: string, more = {}) => bench.entry([record(name)], { retries: 0, ...more });
    at.setHooks(hook(one), hook(two, { ...(await bench.unreachable()), timeout: '1s' }));
    await at.json('canary', 'start', '--yes');
    expect((await at.run(...SHIFT)).code).toBe(4);
    at.set([record(one)]);
    expect((await at.run('resume')).code).toBe(4);
    await at.json('dns', 'apply', '--keep', '--yes');
    expect(await at.json<Status>('status')).toMatchObject({ safe: true, drift: [], unfinished: null });
  });

  it('no command undoes that what is there is kept', async () => {
    const name = freshName();
    await put(name, LEGACY);
    const at = migration([record(name)]);
    await at.json('canary', 'start', '--yes');
    const undo = async (...more: string[]) => {
      await put(name, FOREIGN);
      return (await at.json<{ undo: string | null }>('dns', 'apply', '--yes', ...more)).undo;
    };
    expect(await undo()).toMatch(/^cutover dns apply --to \d+$/);
    expect(await undo('--keep')).toBeNull();
  });

  it.each(WAYS)('%s knows what is ours beside a text that holds a secret', async (_name, way) => {
    const [text, name] = [freshName(), freshName()];
    await bench.put(text, 'TXT', 300, ['"verify=a-secret-of-ours"']);
    await put(name, OLDER);
    const texts = { name: text, type: 'TXT', ttl: 30, legacy: 'verify=legacy', target: 'verify=target' };
    const at = migration([texts, record(name)]);
    const path = join(at.dir, 'cutover.yaml');
    const config = readFileSync(path, 'utf8');
    writeFileSync(
      path,
      config.replace('legacy: { name: deepseek,', 'legacy: { name: deepseek, apiKey: "${env:KEY}",'),
    );
    const run = (...args: string[]) =>
      cutover(at.dir, [...args, '--json'], { env: { KEY: 'a-secret-of-ours' } });
    await run('canary', 'start', '--yes', ...FORCE);
    expect((await run(...SHIFT)).code).toBe(0);
    await put(name, FOREIGN, 44);
    const met = await run(...way);
    expect([met.code, dnsStep(met)?.code]).toEqual([4, 'DNS_FOREIGN']);
    expect([await look(name), await bench.look(text, 'TXT')]).toEqual([FOREIGN, ['verify=legacy']]);
    await put(name, TARGET, 30);
    expect((await run('resume')).code).toBe(0);
    expect([await look(name), met.stdout.includes('a-secret-of-ours')]).toEqual([OLDER, false]);
  });
});
