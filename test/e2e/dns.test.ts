import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { BIND, KEYS, startBind } from '../servers/bind.ts';
import type { DnsBench } from '../servers/dns-bench.ts';
import { startHttpReceiver } from '../servers/http-receiver.ts';
import { POWERDNS, startPowerDns } from '../servers/powerdns.ts';
import { freePort } from '../servers/process.ts';
import { installed, pathOf, type Required } from '../servers/require.ts';
import { cutover, cutoverJson, makeFolder, type Ran } from './cli.ts';
import { prepared } from './prepared.ts';

/** What a rollback puts back: rules of docs/hooks.md, on real name servers, by the built command. */

const BENCHES: { title: string; server: Required; start(): Promise<DnsBench> }[] = [
  { title: 'BIND', server: BIND, start: startBind },
  { title: 'PowerDNS', server: POWERDNS, start: startPowerDns },
];

/** Several commands a test, each with servers to ask. */
vi.setConfig({ testTimeout: 120_000 });

const FORCE = ['--force', '--reason', 'test'];
const GO = ['--anyway', '--confirm', 'chat-prod'];

let serial = 0;
const freshName = () => `m${++serial}.example.test.`;

interface Steps {
  operation: { outcome: string; open: boolean };
  steps: { kind: string; outcome: string; code?: string; error?: string; hint?: string; notes?: string[] }[];
}
interface Status {
  headline: string;
  safe: boolean;
  drift: { what: string; mend: string }[];
  next: { command: string };
  otherwise: { command: string }[];
}

const record = (name: string, legacy: string, target: string, more: object = {}) => ({
  ...{ name, type: 'A', ttl: 30, legacy, target },
  ...more,
});

describe.each(BENCHES)('on $title', ({ server, start }) => {
  describe.skipIf(!installed(server))('a rollback', () => {
    let bench: DnsBench;
    let other: DnsBench;
    beforeAll(async () => {
      [bench, other] = await Promise.all([start(), start()]);
    });
    afterAll(async () => {
      await Promise.all([bench?.stop(), other?.stop()]);
    });

    function make(): string {
      const dir = makeFolder();
      for (const [{ dir: from }, prefix] of [
        [bench, ''],
        [other, 'other-'],
      ] as const) {
        const key = join(from, KEYS.right);
        if (existsSync(key)) copyFileSync(key, join(dir, `${prefix}${KEYS.right}`));
      }
      return dir;
    }

    /** The migration of a folder; its hooks can be changed at any time. */
    function migrationIn(dir: string) {
      const config = readFileSync(join(dir, 'cutover.yaml'), 'utf8').replace(/^hooks:.*\n/m, '');
      const env = Object.fromEntries(
        Object.entries(bench.env).flatMap(([name, value]) =>
          /KEY/.test(name) && value ? [[name, value]] : [],
        ),
      );
      const set = (dns: object[], notify: object[] = []) =>
        writeFileSync(join(dir, 'cutover.yaml'), `${config}hooks: ${JSON.stringify({ dns, notify })}\n`);
      return {
        dir,
        env,
        set,
        run: (...args: string[]): Promise<Ran> => cutover(dir, args, { env }),
        json: <T = Steps>(...args: string[]): Promise<T> => cutoverJson<T>(dir, args, env),
        async complete() {
          await cutoverJson(dir, ['canary', 'start', '--yes'], env);
          await cutoverJson(dir, ['shift', '100%', ...FORCE, '--confirm', 'chat-prod'], env);
        },
      };
    }

    function migration(hooks: Record<string, unknown>[]) {
      const dir = make();
      onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
      const at = migrationIn(dir);
      at.set(hooks);
      return at;
    }

    /** Two records: one says what the config has for legacy, the other one more than that. */
    const [one, two] = [freshName(), freshName()];
    const hook = () =>
      bench.entry([record(one, '192.0.2.1', '198.51.100.1'), record(two, '192.0.2.1', '198.51.100.2')]);
    const atTarget = prepared(async () => {
      const dir = make();
      await bench.put(one, 'A', 300, ['192.0.2.1']);
      await bench.put(two, 'A', 300, ['192.0.2.1', '192.0.2.2']);
      const at = migrationIn(dir);
      at.set([hook()]);
      await at.complete();
      return dir;
    });
    /** A migration that has moved both to target. */
    async function moved() {
      const dir = await atTarget();
      await bench.put(one, 'A', 30, ['198.51.100.1']);
      await bench.put(two, 'A', 30, ['198.51.100.2']);
      return migrationIn(dir);
    }
    /** The hook for the second server of the zone; its key is another one where there are key files. */
    const inside = (records: unknown[]) => {
      const entry = other.entry(records);
      return 'keyFile' in entry ? { ...entry, keyFile: `other-${KEYS.right}` } : entry;
    };
    const document = (ran: Ran) => JSON.parse(ran.stdout) as Steps;

    it('writes nothing where nothing was moved: a new legacy address stays', async () => {
      const name = freshName();
      await bench.put(name, 'A', 300, ['192.0.2.1']);
      const at = migration([bench.entry([record(name, '192.0.2.1', '198.51.100.9')])]);
      await at.json('canary', 'start', '--yes');
      await bench.put(name, 'A', 300, ['192.0.2.77']);
      at.set([bench.entry([record(name, '192.0.2.77', '198.51.100.9')])]);
      const { steps } = await at.json('rollback', '--anyway', '--yes');
      expect(await bench.look(name, 'A')).toEqual(['192.0.2.77']);
      expect(steps.find(({ kind }) => kind === 'dns')?.notes?.join()).toMatch(/nothing to put back here/);
      const emergency = await at.run('rollback', '--emergency', '--json');
      expect([emergency.code, await bench.look(name, 'A')]).toEqual([0, ['192.0.2.77']]);
    });

    it('knows a record by its server, wherever its hook stands in the config', async () => {
      const name = freshName();
      await bench.put(name, 'A', 300, ['192.0.2.1']);
      await other.put(name, 'A', 300, ['10.0.0.1']);
      const out = bench.entry([record(name, '192.0.2.1', '198.51.100.9')]);
      const within = inside([record(name, '10.0.0.1', '10.0.0.9')]);
      const at = migration([out, within]);
      await at.complete();
      expect([await bench.look(name, 'A'), await other.look(name, 'A')]).toEqual([
        ['198.51.100.9'],
        ['10.0.0.9'],
      ]);
      at.set([within, bench.entry([record(freshName(), '192.0.2.5', '192.0.2.6')]), out]);
      await at.json('rollback', ...GO);
      expect([await bench.look(name, 'A'), await other.look(name, 'A')]).toEqual([
        ['192.0.2.1'],
        ['10.0.0.1'],
      ]);
    });

    it('fails by name, with what to set by hand, where the hook is gone; and ends when it is back', async () => {
      const [one, two] = [freshName(), freshName()];
      await other.put(two, 'A', 600, ['10.0.0.2']);
      const here = bench.entry([record(one, '192.0.2.1', '198.51.100.1')]);
      const there = inside([record(two, '10.0.0.2', '10.0.0.9')]);
      const at = migration([here, there]);
      await at.complete();
      at.set([here]);
      const ran = await at.run('rollback', '--to', '1', ...GO, '--json');
      expect(ran.code).toBe(4);
      const left = document(ran).steps.find(({ outcome }) => outcome === 'failed');
      expect(left).toMatchObject({ kind: 'dns', code: 'DRIVER_GONE' });
      expect(left?.error).toContain(`set by hand: ${two} A 10.0.0.2 (TTL 600 s)`);
      expect(await other.look(two, 'A')).toEqual(['10.0.0.9']);
      at.set([here, there]);
      await at.json('resume');
      expect(await other.look(two, 'A')).toEqual(['10.0.0.2']);
      expect((await at.json<Status>('status')).safe).toBe(true);
    });

    it('leaves alone what somebody else has changed since, names it, and can be told to overwrite it', async () => {
      const at = await moved();
      await bench.put(one, 'A', 300, ['203.0.113.7']);
      const dry = await at.run('rollback', '--to', '1', '--dry-run');
      expect(dry.stdout).toMatch(/203\.0\.113\.7[\s\S]*192\.0\.2\.1[\s\S]*left\s+alone/);
      const ran = await at.run('rollback', '--to', '1', ...GO, '--json');
      expect(ran.code).toBe(4);
      const left = document(ran).steps.find(({ outcome }) => outcome === 'failed');
      expect(left).toMatchObject({ code: 'DNS_FOREIGN' });
      expect(left?.error).toContain(
        `${one} A 203.0.113.7 (TTL 300 s), where 198.51.100.1 (TTL 30 s) was written`,
      );
      expect(left?.hint).toContain('--overwrite-dns');
      expect([await bench.look(one, 'A'), await bench.look(two, 'A')]).toEqual([
        ['203.0.113.7'],
        ['192.0.2.1', '192.0.2.2'],
      ]);
      expect((await at.run('resume')).code).toBe(4);
      await at.json('resume', '--overwrite-dns');
      expect(await bench.look(one, 'A')).toEqual(['192.0.2.1']);
      expect((await at.json<Status>('status')).safe).toBe(true);
    });

    it('that is undone leads back to target, and from there back to what was found', async () => {
      const at = await moved();
      const { undo } = await at.json<{ undo: string }>('rollback', ...GO);
      const to = /--to (\d+)/.exec(undo)?.[1] ?? '?';
      await at.json('rollback', '--to', to, ...GO, ...FORCE);
      expect(await bench.look(one, 'A')).toEqual(['198.51.100.1']);
      await at.json('rollback', '--emergency');
      expect(await bench.look(one, 'A')).toEqual(['192.0.2.1']);
    });

    it('sees no drift where the zone is not the config’s, at rest and after it is put back exactly', async () => {
      const name = freshName();
      await bench.put(name, 'A', 300, ['192.0.2.1', '192.0.2.2']);
      const before = migration([bench.entry([record(name, '192.0.2.1', '198.51.100.1')])]);
      expect((await before.json<Status>('status')).drift).toEqual([]);
      const at = await moved();
      expect((await at.json<Status>('status')).drift).toEqual([]);
      await at.json('rollback', ...GO);
      expect(await bench.look(two, 'A')).toEqual(['192.0.2.1', '192.0.2.2']);
      const status = await at.json<Status>('status');
      expect([status.safe, status.drift]).toEqual([true, []]);
    });

    it.each(['before the first canary', 'in a stage'])(
      'by `dns apply` %s is none: the status stays as it was',
      async (when) => {
        const name = freshName();
        await bench.put(name, 'A', 300, ['192.0.2.1']);
        const at = migration([bench.entry([record(name, '192.0.2.1', '198.51.100.1')])]);
        if (when === 'in a stage') await at.json('canary', 'start', '--yes');
        else await at.json('checkpoint', 'create', '--reason', 'before all');
        const look = async () => {
          const { headline, safe, drift, stage, rollback } = await at.json<Status & Record<string, unknown>>(
            'status',
          );
          return { headline, safe, drift, stage, rollback };
        };
        const was = await look();
        expect(was).toMatchObject({ safe: true });
        await bench.put(name, 'A', 300, ['198.51.100.1']);
        expect(await look()).toMatchObject({ safe: false });
        await at.json('dns', 'apply', '--yes');
        expect(await look()).toEqual(was);
        expect(await bench.look(name, 'A')).toEqual(['192.0.2.1']);
      },
    );

    it('in an emergency puts back exactly what was found, by the journal, and says so', async () => {
      const at = await moved();
      const ran = await at.run('rollback', '--emergency', '--json');
      expect([ran.code, JSON.parse(ran.stdout).dnsFrom]).toEqual([0, 'journal']);
      expect(await bench.look(two, 'A')).toEqual(['192.0.2.1', '192.0.2.2']);
      expect((await at.json<Status>('status')).drift).toEqual([]);
    });

    // The rest is decided above the drivers, each of which keeps one contract: one server shows it.
    if (server !== BIND) return;

    it('puts back a record that came into a hook after the checkpoint', async () => {
      const [one, two] = [freshName(), freshName()];
      await bench.put(one, 'A', 300, ['192.0.2.1']);
      await bench.put(two, 'A', 600, ['192.0.2.2']);
      const first = record(one, '192.0.2.1', '198.51.100.1');
      const at = migration([bench.entry([first])]);
      await at.json('canary', 'start', '--yes');
      at.set([bench.entry([first, record(two, '192.0.2.2', '198.51.100.2')])]);
      await at.json('shift', '100%', ...FORCE, '--confirm', 'chat-prod');
      expect(await bench.look(two, 'A')).toEqual(['198.51.100.2']);
      await at.json('rollback', '--to', '1', ...GO);
      expect([await bench.look(one, 'A'), await bench.look(two, 'A')]).toEqual([
        ['192.0.2.1'],
        ['192.0.2.2'],
      ]);
    });

    it('puts back a record that went out of its hook', async () => {
      const [one, two] = [freshName(), freshName()];
      await bench.put(two, 'A', 600, ['192.0.2.2']);
      const stays = record(one, '192.0.2.1', '198.51.100.1');
      const at = migration([bench.entry([stays, record(two, '192.0.2.2', '198.51.100.2')])]);
      await at.complete();
      at.set([bench.entry([stays])]);
      await at.json('rollback', ...GO);
      expect([await bench.look(one, 'A'), await bench.look(two, 'A')]).toEqual([[], ['192.0.2.2']]);
    });

    it('can be told that what it could not reach was set by hand', async () => {
      const name = freshName();
      const there = inside([record(name, '10.0.0.2', '10.0.0.9')]);
      const at = migration([there]);
      await at.complete();
      at.set([]);
      expect((await at.run('rollback', '--to', '1', ...GO)).code).toBe(4);
      expect((await at.run('canary', 'start', '--yes')).code).toBe(75);
      await at.json('dns', 'apply', '--keep', '--yes');
      expect((await at.json<Status>('status')).safe).toBe(true);
      expect((await at.run('canary', 'start', '--yes')).code).toBe(0);
    });

    it('says of what it was to go on from that it was found, where nothing of ours was written there', async () => {
      const name = freshName();
      await bench.put(name, 'A', 300, ['192.0.2.1']);
      const late = { verify: [`127.0.0.1:${await freePort()}`], retries: 0, timeout: '1s' };
      const at = migration([bench.entry([record(name, '192.0.2.1', '198.51.100.1')], late)]);
      await at.json('canary', 'start', '--yes');
      expect((await at.run('shift', '100%', ...FORCE, '--confirm', 'chat-prod')).code).toBe(4);
      await bench.put(name, 'A', 300, ['203.0.113.7']);
      const ran = await at.run('resume', '--json');
      expect(document(ran).steps.find(({ outcome }) => outcome === 'failed')).toMatchObject({
        code: 'DNS_FOREIGN',
        error: expect.stringContaining(
          `${name} A 203.0.113.7 (TTL 300 s), where 192.0.2.1 (TTL 300 s) was found before`,
        ),
      });
    });

    it('says of what is back already that there is nothing to put back, and not that nothing was moved', async () => {
      const at = await moved();
      await at.json('rollback', '--to', '1', ...GO);
      const dry = await at.run('rollback', '--emergency', '--dry-run');
      expect(dry.stdout.replace(/\s+/g, ' ')).toContain('nothing to put back: look, write nothing');
      const { steps } = await at.json('rollback', '--emergency');
      expect(steps.find(({ kind }) => kind === 'dns')?.notes).toEqual([
        'nothing to put back here: looked, wrote nothing',
      ]);
    });

    it('counts what was kept as settled: it is neither written nor named again', async () => {
      const at = await moved();
      await bench.put(one, 'A', 300, ['203.0.113.7']);
      expect((await at.run('rollback', '--to', '1', ...GO)).code).toBe(4);
      await at.json('dns', 'apply', '--keep', '--yes');
      expect((await at.json<Status>('status')).safe).toBe(true);
      await at.complete();
      await at.json('rollback', ...GO);
      expect(await bench.look(one, 'A')).toEqual(['203.0.113.7']);
    });

    it('overwrites at once when told so, in an emergency too', async () => {
      for (const back of [
        ['rollback', '--to', '1', ...GO],
        ['rollback', '--emergency'],
      ]) {
        const at = await moved();
        await bench.put(one, 'A', 300, ['203.0.113.7']);
        expect((await at.run(...back, '--overwrite-dns')).code).toBe(0);
        expect(await bench.look(one, 'A')).toEqual(['192.0.2.1']);
      }
    });

    it('is no advice for an edited record: that is named, shown and mended without moving traffic', async () => {
      const at = await moved();
      expect((await at.run('dns', 'diff')).stdout).toBe('every record says what it should\n');
      await bench.put(one, 'A', 900, ['198.51.100.1']);
      const status = await at.json<Status>('status');
      expect(status.headline).toContain(
        `${one} A says 198.51.100.1 (TTL 900 s), not 198.51.100.1 (TTL 30 s)`,
      );
      expect([status.next, ...status.otherwise].map(({ command }) => command).join()).not.toMatch(/rollback/);
      const diff = await at.run('dns', 'diff');
      expect([diff.code, diff.stdout]).toEqual([
        2,
        expect.stringContaining('should say 198.51.100.1 (TTL 30 s)'),
      ]);
      const { undo, from, to } = await at.json<{ undo: string; from: object; to: object }>(
        ...['dns', 'apply', '--yes'],
      );
      expect(from).toEqual(to);
      expect((await at.json<Status>('status')).drift).toEqual([]);
      expect(undo).toMatch(/^cutover dns apply --to \d+$/);
      // Held against a checkpoint it differs again.
      const since = await at.run('dns', 'diff', ...undo.split(' ').slice(-2));
      expect([since.code, since.stdout]).toEqual([2, expect.stringContaining('(TTL 900 s)')]);
      await at.json(...undo.split(' ').slice(1), '--yes');
      expect((await at.run('dns', 'status')).stdout).toContain('(TTL 900 s)');
      await at.json('rollback', ...GO);
      expect(await bench.look(one, 'A')).toEqual(['192.0.2.1']);
    });

    it('by `dns apply` is told as that, and as no shift', async () => {
      const name = freshName();
      await bench.put(name, 'A', 300, ['192.0.2.1']);
      const dns = [bench.entry([record(name, '192.0.2.1', '198.51.100.1')])];
      const at = migration(dns);
      at.set(dns, [{ driver: 'exec', command: ['sh', '-c', 'cat >> told'] }]);
      await at.json('checkpoint', 'create', '--reason', 'before all');
      await bench.put(name, 'A', 300, ['198.51.100.1']);
      await at.json('dns', 'apply', '--yes');
      const event = JSON.parse(readFileSync(join(at.dir, 'told'), 'utf8')) as object;
      expect(event).toMatchObject({ operation: { kind: 'dns apply' }, outcome: 'done' });
    });

    it('shows records, old and new, with TTLs, before it and between checkpoints', async () => {
      const name = freshName();
      await bench.put(name, 'A', 300, ['192.0.2.1']);
      const at = migration([bench.entry([record(name, '192.0.2.1', '198.51.100.1')])]);
      await at.json('canary', 'start', '--yes');
      const dry = await at.run('shift', '100%', ...FORCE, '--dry-run');
      expect(dry.stdout).toContain(`${name} A  192.0.2.1 (TTL 300 s) → 198.51.100.1`);
      await at.json('shift', '100%', ...FORCE, '--confirm', 'chat-prod');
      const diff = await at.run('checkpoint', 'diff', '1');
      expect(diff.stdout).toMatch(
        new RegExp(`${name} A.*192\\.0\\.2\\.1 \\(TTL 300 s\\) +198\\.51\\.100\\.1 \\(TTL 30 s\\)`),
      );
      const narrow = await cutover(at.dir, ['checkpoint', 'diff', '1'], {
        env: { ...at.env, COLUMNS: '48' },
      });
      for (const line of narrow.stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(48);
      expect(narrow.stdout).toContain('(TTL 300 s)');
      const back = await at.run('rollback', '--to', '1', '--dry-run');
      expect(back.stdout).toMatch(/198\.51\.100\.1 \(TTL 30 s\) →\s+192\.0\.2\.1\s+\(TTL 300 s\)/);
    });

    it('after an emergency that could not read the journal: the rest is restored by resume', async () => {
      const at = await moved();
      const receiver = await startHttpReceiver();
      onTestFinished(() => receiver.stop());
      at.set([hook()], [{ driver: 'webhook', url: receiver.url }]);
      const heard = () =>
        receiver.received.flatMap(({ body }) => {
          const { operation, outcome } = JSON.parse(body) as {
            operation: { kind: string };
            outcome?: string;
          };
          return operation.kind === 'emergency' ? [outcome] : [];
        });
      const db = join(at.dir, '.cutover', 'state.db');
      const kept = readFileSync(db);
      const wal = existsSync(`${db}-wal`) ? readFileSync(`${db}-wal`) : null;
      writeFileSync(db, 'damaged');
      rmSync(`${db}-wal`, { force: true });
      const emergency = await at.run('rollback', '--emergency', '--json');
      expect(emergency.stderr.replace(/\s+/g, ' ')).toContain(
        'the config’s values for legacy are written. `cutover resume` puts back what was there before once it can be read',
      );
      expect([emergency.code, document(emergency).operation]).toEqual([
        4,
        expect.objectContaining({ outcome: 'partial', open: true }),
      ]);
      expect(document(emergency).steps.find(({ kind }) => kind === 'dns')).toMatchObject({
        outcome: 'failed',
        code: 'DNS_BY_CONFIG',
      });
      expect(heard()).toEqual([undefined, 'partial']);
      expect(await bench.look(two, 'A')).toEqual(['192.0.2.1']);
      writeFileSync(db, kept);
      if (wal) writeFileSync(`${db}-wal`, wal);
      expect((await at.json<Status>('status')).next.command).toBe('cutover resume');
      await at.json('resume');
      expect(await bench.look(two, 'A')).toEqual(['192.0.2.1', '192.0.2.2']);
      expect(heard()).toEqual([undefined, 'partial', 'done']);
      const status = await at.json<Status>('status');
      expect([status.safe, status.drift]).toEqual([true, []]);
    });

    it('after an emergency in another state folder: what was there is restored by resume, or by another emergency', async () => {
      const names = [freshName(), freshName()];
      for (const name of names) await bench.put(name, 'A', 444, ['192.0.2.55']);
      // One is what the config has; the emergency wrote that, too.
      const plain = freshName();
      await bench.put(plain, 'A', 30, ['192.0.2.1']);
      const at = migration([
        bench.entry([...names, plain].map((name) => record(name, '192.0.2.1', '198.51.100.1'))),
      ]);
      await at.complete();
      const [folder, away] = ['.cutover', 'away'].map((name) => join(at.dir, name)) as [string, string];
      renameSync(folder, away);
      expect(JSON.parse((await at.run('rollback', '--emergency', '--json')).stdout).dnsFrom).toBe('config');
      for (const name of names) expect(await bench.look(name, 'A')).toEqual(['192.0.2.1']);
      rmSync(folder, { recursive: true });
      renameSync(away, folder);
      const { stdout } = await at.run('resume', '--dry-run');
      expect(stdout).not.toContain('left alone');
      expect(stdout.replace(/\s+/g, ' ')).toContain('192.0.2.1 (TTL 30 s) → 192.0.2.55 (TTL 444 s)');
      cpSync(folder, away, { recursive: true });
      for (const way of [['resume'], ['rollback', '--emergency']]) {
        await at.json(...way);
        for (const name of names) {
          expect(await bench.look(name, 'A'), way.join(' ')).toEqual(['192.0.2.55']);
          expect((await bench.exact(name)).join()).toContain('444');
          await bench.put(name, 'A', 30, ['192.0.2.1']);
        }
        expect(await bench.look(plain, 'A')).toEqual(['192.0.2.1']);
        rmSync(folder, { recursive: true });
        cpSync(away, folder, { recursive: true });
      }
    });

    it('in an emergency beside a locked database goes by what is in it', async () => {
      const at = await moved();
      const db = new Database(join(at.dir, '.cutover', 'state.db'));
      onTestFinished(() => void db.close());
      db.exec('BEGIN IMMEDIATE');
      const ran = await at.run('rollback', '--emergency', '--json');
      expect(JSON.parse(ran.stdout).dnsFrom).toBe('journal');
      expect(await bench.look(two, 'A')).toEqual(['192.0.2.1', '192.0.2.2']);
      db.exec('ROLLBACK');
      expect(await at.json('resume')).toMatchObject({ operation: null });
      expect((await at.json<Status>('status')).safe).toBe(true);
    });

    it.each([
      ['that is gone', (dir: string) => rmSync(join(dir, '.cutover'), { recursive: true })],
      ['whose database is empty', (dir: string) => writeFileSync(join(dir, '.cutover', 'state.db'), '')],
    ])(
      'in an emergency does not take a state %s for a journal in which nothing was moved',
      async (_name, lose) => {
        const at = await moved();
        for (const file of ['state.db-wal', 'state.db-shm'])
          rmSync(join(at.dir, '.cutover', file), { force: true });
        lose(at.dir);
        const { stdout, stderr } = await at.run('rollback', '--emergency', '--json');
        expect(await bench.look(one, 'A')).toEqual(['192.0.2.1']);
        expect(JSON.parse(stdout)).toMatchObject({ dnsFrom: 'config' });
        // What was there before is not in this journal: resume here does nothing, and nobody is told that it does.
        const words = stderr.replace(/\s+/g, ' ');
        expect(words).toContain('the journal that is here does not know of the last change');
        expect(words).toContain(
          '`cutover resume` puts back what was there before once the right one is in its place',
        );
        expect(await at.json('resume')).toMatchObject({ operation: null });
      },
    );

    it('is what leads records to another provider: `dns apply` does not', async () => {
      const at = await moved();
      await at.json('rollback', ...GO);
      const { checkpoints } = await at.json<{ checkpoints: { id: number; status: string }[] }>(
        'checkpoint',
        'list',
      );
      const complete = checkpoints.find(({ status }) => status === 'complete')?.id;
      const { code, stderr } = await at.run('dns', 'apply', '--to', String(complete), '--yes');
      expect([code, stderr]).toEqual([64, expect.stringContaining('lead to target')]);
      expect(await bench.look(one, 'A')).toEqual(['192.0.2.1']);
    });
  });
});

describe('a DNS hook that cannot be read', () => {
  const hook = (name: string) => `hooks: { dns: [{ driver: exec, command: [sh, ${name}], retries: 0 }] }\n`;

  const told = (dir: string) => readFileSync(join(dir, 'told'), 'utf8').trim().split('\n');
  async function make() {
    const dir = makeFolder(hook('route.sh'));
    writeFileSync(join(dir, 'route.sh'), 'cat > event.json; echo $CUTOVER_PROVIDER >> told\n');
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    return dir;
  }
  /** A migration at 10 %. */
  const started = prepared(make);
  /** One that is complete, and whose hook is gone since. */
  const gone = prepared(async () => {
    const dir = await make();
    await cutoverJson(dir, ['shift', '100%', ...FORCE, '--confirm', 'chat-prod']);
    copyFileSync(join(dir, 'cutover.yaml'), join(dir, 'whole'));
    const config = readFileSync(join(dir, 'whole'), 'utf8');
    writeFileSync(join(dir, 'cutover.yaml'), config.replace(hook('route.sh'), ''));
    return dir;
  });

  it('is told the provider on every rollback and emergency, whatever was moved', async () => {
    const dir = await started();
    await cutoverJson(dir, ['rollback', '--anyway', '--yes']);
    await cutoverJson(dir, ['rollback', '--emergency']);
    expect(told(dir)).toEqual(['legacy', 'legacy']);
    expect(JSON.parse(readFileSync(join(dir, 'event.json'), 'utf8'))).not.toHaveProperty('restore');
  });

  it('is told so over HTTP too', async () => {
    const receiver = await startHttpReceiver();
    onTestFinished(() => receiver.stop());
    const dir = makeFolder(`hooks: { dns: [{ driver: webhook, url: "${receiver.url}" }] }\n`);
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    await cutoverJson(dir, ['rollback', '--anyway', '--yes']);
    await cutoverJson(dir, ['rollback', '--emergency']);
    const told = receiver.received.map(({ body }) => JSON.parse(body) as object);
    const expected = (kind: string) => ({ step: 'dns', provider: 'legacy', operation: { kind } });
    expect(told).toMatchObject([expected('rollback'), expected('emergency')]);
    // Nothing of it can be read: no checkpoint keeps a record, and there is no drift.
    const { checkpoints } = await cutoverJson<{ checkpoints: { dns: unknown[] }[] }>(dir, [
      ...['checkpoint', 'list'],
    ]);
    expect(checkpoints.flatMap(({ dns }) => dns)).toEqual([]);
    expect(await cutoverJson<Status>(dir, ['status'])).toMatchObject({ safe: true, drift: [] });
  });

  it('is missed by name when it is gone after it was told target; a person can say that it is seen to', async () => {
    const dir = await gone();
    const ran = await cutover(dir, ['rollback', ...GO, '--json']);
    expect(ran.code).toBe(4);
    expect((JSON.parse(ran.stdout) as Steps).steps).toContainEqual(
      expect.objectContaining({ code: 'DRIVER_GONE', error: expect.stringContaining('exec sh') }),
    );
    expect((await cutover(dir, ['resume'])).code).toBe(4);
    await cutoverJson(dir, ['dns', 'apply', '--keep', '--yes']);
    expect(await cutoverJson<Status>(dir, ['status'])).toMatchObject({ safe: true });
  });

  it('is told after all when it is back, by resume', async () => {
    const dir = await gone();
    expect((await cutover(dir, ['rollback', ...GO])).code).toBe(4);
    expect(told(dir)).toEqual(['target']);
    copyFileSync(join(dir, 'whole'), join(dir, 'cutover.yaml'));
    await cutoverJson(dir, ['resume']);
    expect(told(dir)).toEqual(['target', 'legacy']);
    expect(await cutoverJson<Status>(dir, ['status'])).toMatchObject({ safe: true });
  });
});

describe.skipIf(!installed(BIND))('a shift that an emergency overtakes while it writes records', () => {
  let bench: DnsBench;
  beforeAll(async () => {
    bench = await startBind();
  });
  afterAll(() => bench?.stop());

  /**
   * It writes once the emergency has begun, which waits for that.
   * @param later what becomes of all that is to be written after that
   */
  async function overtaken(later: string) {
    const name = freshName();
    await bench.put(name, 'A', 300, ['192.0.2.1']);
    const dir = makeFolder(
      `hooks: ${JSON.stringify({ dns: [bench.entry([record(name, '192.0.2.1', '198.51.100.1')], { retries: 0 })] })}\n`,
    );
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    copyFileSync(join(bench.dir, KEYS.right), join(dir, KEYS.right));
    const slow = join(dir, 'slow');
    mkdirSync(slow);
    const script = `#!/bin/sh
if mkdir ${slow}/first 2>/dev/null; then
  touch ${slow}/begun
  until [ -e ${slow}/go ]; do sleep 0.05; done
else
  ${later}
fi
exec ${pathOf('nsupdate')} "$@"
`;
    writeFileSync(join(slow, 'nsupdate'), script, { mode: 0o755 });
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    const shift = cutover(dir, ['shift', '100%', ...FORCE, '--confirm', 'chat-prod', '--json'], {
      env: { PATH: `${slow}:${process.env.PATH}` },
    });
    while (!existsSync(join(slow, 'begun'))) await new Promise((go) => setTimeout(go, 50));
    const back = cutover(dir, ['rollback', '--emergency', '--json']);
    const state = new Database(join(dir, '.cutover', 'state.db'), { readonly: true });
    const began = state.prepare("SELECT count(*) FROM history WHERE event = 'emergency began'").pluck();
    await expect.poll(() => began.get(), { timeout: 8000 }).toBe(1);
    state.close();
    writeFileSync(join(slow, 'go'), '');
    const [emergency, ran] = await Promise.all([back, shift]);
    expect([emergency.code, ran.code], ran.stderr).toEqual([0, 75]);
    return { dir, name, ran };
  }

  it('puts back what it has written after all', async () => {
    const { dir, name } = await overtaken(':');
    expect(await bench.look(name, 'A')).toEqual(['192.0.2.1']);
    expect(await cutoverJson<Status>(dir, ['status'])).toMatchObject({ safe: true, drift: [] });
  });

  it('says so where it cannot put that back; the emergency has looked again, and does', async () => {
    const { dir, name, ran } = await overtaken('echo "; Communication with server failed" >&2; exit 1');
    const { error } = JSON.parse(ran.stdout) as { error: { code: string; message: string; hint: string } };
    expect(error).toMatchObject({
      code: 'DNS_OVERTAKEN',
      message: expect.stringMatching(/the emergency op-\S+ .*has taken over.*dns\[0\] rfc2136/),
      hint: expect.stringContaining('cutover dns apply'),
    });
    expect(await bench.look(name, 'A')).toEqual(['192.0.2.1']);
    expect(await cutoverJson<Status>(dir, ['status'])).toMatchObject({ safe: true, drift: [] });
  });
});
