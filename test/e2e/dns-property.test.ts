import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RecordType } from '../../src/config/dns-values.ts';
import { BIND, type BindBench, KEYS, startBind } from '../servers/bind.ts';
import type { DnsBench } from '../servers/dns-bench.ts';
import { POWERDNS, startPowerDns } from '../servers/powerdns.ts';
import { installed } from '../servers/require.ts';
import { cutover, makeFolder, type Ran } from './cli.ts';

/**
 * Random migrations over two real name servers, BIND that signs and PowerDNS, with other writers, a config that changes, and
 * processes that are killed; held against a model that looks at the servers alone. Once more: CUTOVER_DNS_SEED.
 */

const SEED = Number(process.env.CUTOVER_DNS_SEED ?? 20260833);
const STORIES = Number(process.env.CUTOVER_DNS_STORIES ?? 2);
const ACTS = Number(process.env.CUTOVER_DNS_ACTS ?? 24);
const SHIM = fileURLToPath(new URL('../crash/shim.mjs', import.meta.url));
/** What TTLs are shortened to where they are, in seconds. */
const LOWERED = 20;
const APPLIED = [0, 4];
const BLOCKED = [2, 3, 64, 75];

function seeded(seed: number) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n: number) => Math.floor(next() * n);
  return { below, pick: <T>(list: readonly T[]): T => list[below(list.length)] as T };
}
type Dice = ReturnType<typeof seeded>;

const VALUES: Record<RecordType, { zone: string; config: string }[]> = {
  A: ['192.0.2.1', '192.0.2.2', '198.51.100.9', '203.0.113.5'].map(same),
  AAAA: ['2001:db8::1', '2001:db8::2', '2001:db8::9', '2001:db8::7'].map(same),
  CNAME: ['legacy.example.net.', 'target.example.net.', 'Mixed-Case.Example.NET.', 'old.example.org.'].map(
    same,
  ),
  TXT: [
    { zone: '"v=one"', config: 'v=one' },
    { zone: '"v=one" "two"', config: 'v=target' },
    { zone: '"say \\"hi\\" \\\\ to"', config: 'say "hi" \\ to' },
    { zone: '"bytes \\195\\169 \\000\\255 here"', config: 'caf\u00e9' },
  ],
};
function same(text: string) {
  return { zone: text, config: text };
}

interface Known {
  bench: DnsBench;
  at: 'bind' | 'pdns';
  name: string;
  type: RecordType;
  /** What the config has for it. */
  entry: { name: string; type: RecordType; ttl: number; legacy: string[]; target: string[] };
  /** Named by the config now. */
  named: boolean;
  /** What was found before it was moved; null while it is not moved. */
  found: Look | null;
  /** What our steps may have left there. */
  ours: Look[];
  /** A process was killed: nobody outside knows whether it had come so far. */
  maybe: boolean;
  /** Was led away from target, as it was told to, by a way back that has not ended well: that is gone on with. */
  led: boolean;
}

interface Look {
  /** All that the server keeps of the name. */
  exact: string;
  values: string;
}

async function look({ bench, name, type }: Known): Promise<Look> {
  const [exact, values] = [await bench.exact(name), await bench.look(name, type)];
  return { exact: exact.join('\n'), values: values.join() };
}

/** What the stories have come to: a property that meets nothing proves nothing. */
const tally = {
  moved: 0,
  lowered: 0,
  back: 0,
  foreign: 0,
  settled: 0,
  gone: 0,
  overwritten: 0,
  killedWhileMoved: 0,
  onTarget: 0,
  led: 0,
};

interface Benches {
  bind: BindBench;
  pdns: DnsBench;
}

class Story {
  dir = makeFolder();
  private readonly config = readFileSync(join(this.dir, 'cutover.yaml'), 'utf8');
  private readonly order: ('bind' | 'pdns')[] = ['bind', 'pdns'];
  private hooked = new Set(['bind', 'pdns']);
  private readonly told: string[] = [];
  /** The way back that began last was told to overwrite what is somebody else's: `resume` goes on so. */
  private overwrites = false;

  constructor(
    private readonly records: Known[],
    private readonly dice: Dice,
    private readonly benches: Benches,
    /** A move counts as done when the secondary of BIND says it. */
    private readonly verifies: boolean,
    /** TTLs are shortened ahead of the move. */
    private readonly lowers: boolean,
  ) {
    copyFileSync(join(benches.bind.dir, KEYS.right), join(this.dir, KEYS.right));
    this.write();
  }

  private write() {
    const dns = this.order.flatMap((at) => {
      const entries = this.records.filter((one) => one.at === at && one.named).map(({ entry }) => entry);
      const more = {
        ...(this.verifies && at === 'bind' ? { verify: [this.benches.bind.secondary] } : {}),
        ...(this.lowers ? { lowerTtl: LOWERED } : {}),
      };
      return this.hooked.has(at) && entries.length > 0 ? [this.benches[at].entry(entries, more)] : [];
    });
    writeFileSync(join(this.dir, 'cutover.yaml'), `${this.config}hooks: ${JSON.stringify({ dns })}\n`);
  }

  /** Hooks swap, go and come; so do records, and what the config has for them. */
  changeConfig() {
    const { dice } = this;
    const change = dice.below(6);
    if (change === 0) this.order.reverse();
    else if (change === 1) {
      const at = dice.pick(this.order);
      if (!this.hooked.delete(at)) this.hooked.add(at);
    } else {
      const record = dice.pick(this.records);
      if (change === 2 || change === 3) record.named = !record.named;
      else record.entry = entryOf(record, dice);
    }
    this.write();
    this.told.push(`config: ${this.order} ${[...this.hooked]} ${this.records.map(({ named }) => named)}`);
  }

  async edit() {
    // Mostly one that was moved: the others are nobody's business.
    const moved = this.records.filter(({ found }) => found !== null);
    const record = this.dice.pick(moved.length > 0 && this.dice.below(4) > 0 ? moved : this.records);
    await zonePut(record, this.dice);
    await signing();
    this.told.push(`edit ${record.name}: ${(await look(record)).exact}`);
  }

  /** The first step makes the flag, which an emergency wants to have seen. */
  async begin() {
    const ran = await this.start();
    expect(ran.code, ran.stderr).toBe(0);
  }

  async act() {
    const { dice } = this;
    const confirm = ['--confirm', 'chat-prod'];
    const force = ['--force', '--reason', 'test'];
    const overwrite = dice.below(4) === 0 ? ['--overwrite-dns'] : [];
    const [drawn, args] = dice.pick<[Kind | null, string[]]>([
      ['other', ['canary', 'start', '--yes', ...force]],
      ['forward', ['shift', '100%', ...confirm, ...force]],
      ['forward', ['shift', '100%', ...confirm, ...force]],
      ['other', ['shift', '50%', '--yes', ...force]],
      ['back', ['rollback', '--to', '1', '--anyway', ...confirm, ...overwrite]],
      ['back', ['rollback', '--emergency', ...overwrite]],
      [null, ['resume', ...overwrite]],
      [null, ['resume', ...overwrite]],
    ]);
    const kind = drawn ?? (await this.unfinished()) ?? 'nothing';
    const kill = dice.below(5) === 0 ? 1 + dice.below(140) : 0;
    // Where everything was put back a canary comes first; elsewhere it is refused.
    if (args[0] === 'shift') await this.start(force);
    const before = await Promise.all(this.records.map(look));
    const ran = await cutover(this.dir, args, {
      env: { ...this.env(), CUTOVER_CRASH_AT: String(kill) },
      node: kill > 0 ? ['--import', SHIM] : [],
    });
    if (ran.signal) await signing();
    const after = await Promise.all(this.records.map(look));
    this.told.push(`${args.join(' ')}${kill ? ` (killed at ${kill})` : ''}: ${ran.code} ${ran.signal ?? ''}`);
    const why = `${this.told.join('\n')}\n${ran.stdout}${ran.stderr}`;
    const idle = ran.code === 0 && ran.stdout.includes('nothing to do');
    this.judge({ kind: idle ? 'nothing' : kind, args, code: ran.code, before, after }, why);
  }

  private judge({ kind, args, code, before, after }: Done, why: string) {
    const killed = code === null;
    const applies = killed || APPLIED.includes(code);
    const overwrite = args.includes('--overwrite-dns');
    if (args[0] === 'rollback' && applies) this.overwrites = overwrite;
    if (!killed && ![...APPLIED, ...BLOCKED].includes(code)) expect.fail(`unexpected end\n${why}`);
    let foreign = false;
    let unsure = false;
    for (const [i, record] of this.records.entries()) {
      const [was, is] = [before[i] as Look, after[i] as Look];
      const hooked = this.hooked.has(record.at) && record.named;
      const stays = () => expect(is.exact, `${record.name}\n${why}`).toBe(was.exact);
      if (kind === 'nothing' || (!killed && BLOCKED.includes(code))) {
        stays();
        continue;
      }
      if (kind === 'other') {
        if (!this.lowers || !hooked) stays();
        else lowered(record, { was, is, sure: code === 0 && args[0] !== 'resume' }, why);
        continue;
      }
      if (kind === 'forward') {
        if (!hooked) {
          stays();
          continue;
        }
        const mine = record.ours.some(({ values }) => values === was.values);
        const target = targetOf(record);
        // What `resume` goes on with was decided by the config of then.
        if (code === 0 && args[0] === 'shift') expect(is.values, `${record.name}\n${why}`).toBe(target);
        if (is.exact === was.exact) {
          // A killed one may have begun nothing: what it found is then what was found before.
          record.maybe ||= killed && record.found !== null;
          if (!killed || record.found !== null) continue;
        }
        tally.moved++;
        if (record.found === null || !mine) record.found = was;
        record.ours = killed ? [...record.ours, is] : [is];
        record.maybe = record.maybe || killed || code === 4;
        continue;
      }
      unsure ||= record.led;
      const resumes = args[0] === 'resume';
      if (hooked && !killed && isOnTarget(record, is)) {
        tally.onTarget++;
        // `resume` looks only at what is left to do, by the hooks of then.
        if (resumes) unsure = true;
        else foreign = true;
      }
      // Told to, it leads away from target also what was found there.
      const leads = [was, ...(record.found ? [record.found] : [])].some((look) => isOnTarget(record, look));
      if (hooked && leads && (overwrite || (resumes && this.overwrites)) && is.values === legacyOf(record)) {
        tally.led++;
        if (code === 0) Object.assign(record, { found: null, ours: [], maybe: false, led: false });
        else record.led = true;
        continue;
      }
      if (code === 0) record.led = false;
      if (record.found === null) {
        stays();
        continue;
      }
      const ours = record.ours.some(({ exact }) => exact === was.exact);
      const speaks =
        this.hooked.has(record.at) && this.records.some((one) => one.at === record.at && one.named);
      unsure ||= record.maybe;
      if (killed) tally.killedWhileMoved++;
      if (killed && speaks) {
        expect([was.exact, record.found.exact], `${record.name}\n${why}`).toContain(is.exact);
      } else if (!speaks) {
        // Nobody can look whether somebody has put it back.
        foreign ||= !record.maybe;
        tally.gone++;
        stays();
      } else if (was.exact === record.found.exact) {
        stays();
      } else if (ours || overwrite) {
        tally[ours ? 'back' : 'overwritten']++;
        if (!record.maybe) expect(is.exact, `${record.name}\n${why}`).toBe(record.found.exact);
      } else if (
        hooked &&
        was.values === legacyOf(record) &&
        !(isLowered(record) && ttlOf(was) > record.entry.ttl)
      ) {
        tally.settled++;
        if (!record.maybe) stays();
      } else {
        foreign ||= !record.maybe;
        tally.foreign++;
        if (!record.maybe) stays();
      }
      if (!killed && code === 0) {
        const left = is.exact !== record.found.exact && record.ours.some(({ exact }) => exact === is.exact);
        expect(left, `${record.name} is left on target\n${why}`).toBe(false);
        Object.assign(record, { found: null, ours: [], maybe: false });
      } else if (is.exact === record.found.exact && !killed)
        // What is back is none of ours any more, also where the way back has failed for another.
        Object.assign(record, { found: null, ours: [], maybe: false });
    }
    if (kind === 'back' && !killed && APPLIED.includes(code) && !unsure) {
      expect(code, why).toBe(foreign ? 4 : 0);
    }
  }

  /** A canary. It moves no record, but shortens TTLs where they are to be. */
  private async start(force: string[] = []): Promise<Ran> {
    const before = this.lowers ? await Promise.all(this.records.map(look)) : [];
    const ran = await cutover(this.dir, ['canary', 'start', '--yes', ...force], { env: this.env() });
    if (!this.lowers || !APPLIED.includes(ran.code ?? -1)) return ran;
    const after = await Promise.all(this.records.map(look));
    for (const [i, record] of this.records.entries()) {
      if (!this.hooked.has(record.at) || !record.named) continue;
      const [was, is] = [before[i] as Look, after[i] as Look];
      lowered(record, { was, is, sure: ran.code === 0 }, this.told.join('\n'));
    }
    return ran;
  }

  /** What `resume` would go on with. */
  private async unfinished(): Promise<Kind | null> {
    const { stdout } = await cutover(this.dir, ['status', '--json'], { env: this.env() });
    const { unfinished } = JSON.parse(stdout) as {
      unfinished: { kind: string; to: { ratio: number } } | null;
    };
    if (!unfinished) return null;
    if (unfinished.kind === 'rollback' || unfinished.kind === 'emergency') return 'back';
    return unfinished.to.ratio === 1 ? 'forward' : 'other';
  }

  private env() {
    return { PDNS_KEY: this.benches.pdns.env.PDNS_KEY ?? '' };
  }
}

/** Of a record whose TTL was to be shortened: that alone has changed, and is ours to put back. */
function lowered(record: Known, { was, is, sure }: { was: Look; is: Look; sure: boolean }, why: string) {
  expect(is.values, `${record.name}\n${why}`).toBe(was.values);
  if (sure) expect(ttlOf(is), `${record.name}\n${why}`).toBe(Math.min(ttlOf(was), LOWERED));
  const mine = record.ours.some(({ values }) => values === was.values);
  if (!sure) record.maybe ||= record.found !== null || is.exact !== was.exact;
  if (is.exact === was.exact) {
    // Somebody has replaced it: that is known to be none of ours.
    if (sure && !mine && isLowered(record)) Object.assign(record, { found: null, ours: [], maybe: false });
    return;
  }
  tally.lowered++;
  const stand = mine || record.found === null || isLowered(record) ? [] : record.ours;
  if (!mine || record.found === null) record.found = was;
  record.ours = [...(sure ? stand : record.ours), is];
}

/** Only its TTL was moved. */
const isLowered = ({ found, ours }: Known) => found !== null && ours.at(-1)?.values === found.values;

/** In seconds; 0 where nothing is there. */
const ttlOf = ({ exact }: Look) =>
  Math.max(0, ...[...exact.matchAll(/\s(\d+)\s+IN\s/g)].map(([, ttl]) => Number(ttl)));

type Kind = 'forward' | 'back' | 'other' | 'nothing';
interface Done {
  kind: Kind;
  args: string[];
  code: number | null;
  before: Look[];
  after: Look[];
}

function entryOf({ name, type }: Pick<Known, 'name' | 'type'>, dice: Dice): Known['entry'] {
  const value = () => dice.pick(VALUES[type]).config;
  const legacy = [value()];
  const target = [value()];
  return { name, type, ttl: dice.pick([30, 60]), legacy, target };
}

/** As the system's resolver would say it. */
const targetOf = ({ entry: { type, target } }: Known) => said(type, target);
const legacyOf = ({ entry: { type, legacy } }: Known) => said(type, legacy);

function said(type: RecordType, values: string[]): string {
  return type === 'CNAME' ? String(values).toLowerCase() : values.join();
}

/** One address of target among others is enough: the values of a text are one. */
function isOnTarget(record: Known, { values }: Look): boolean {
  const said = record.type === 'TXT' ? [values] : values.split(',');
  return said.includes(targetOf(record)) && targetOf(record) !== legacyOf(record);
}

/** A server that signs its zone answers with a change a moment after it took it. */
const signing = () => new Promise((resolve) => setTimeout(resolve, 150));

async function zonePut(record: Known, dice: Dice) {
  const { bench, name, type, entry } = record;
  // Seldom what target has: a way back that meets it does not end by itself.
  const list =
    dice.below(6) === 0 ? VALUES[type] : VALUES[type].filter(({ config }) => !entry.target.includes(config));
  const [one, other] = [dice.pick(list).zone, dice.pick(VALUES[type]).zone];
  const several = (type === 'A' || type === 'AAAA') && one !== other ? [one, other] : [one];
  const values = dice.pick([[], [one], [one], several]);
  await bench.put(name, type, dice.pick([30, 300]), values);
}

describe.skipIf(!installed(BIND) || !installed(POWERDNS))('any migration over two name servers', () => {
  let benches: Benches;
  beforeAll(async () => {
    // BIND signs its zone, and has a secondary that is told of each change.
    const [bind, pdns] = await Promise.all([startBind({ signed: true, secondary: true }), startPowerDns()]);
    benches = { bind, pdns };
  });
  afterAll(async () => {
    process.stderr.write(`records: ${JSON.stringify(tally)}\n`);
    const met = Math.min(tally.moved, tally.back, tally.lowered);
    if (STORIES >= 2) expect(met, JSON.stringify(tally)).toBeGreaterThan(0);
    await Promise.all([benches?.bind.stop(), benches?.pdns.stop()]);
  });

  it.each(Array.from({ length: STORIES }, (_, i) => SEED + i))(
    'leaves each record as the rules say: %i',
    async (seed) => {
      const dice = seeded(seed);
      const records: Known[] = [];
      for (const at of ['bind', 'pdns'] as const) {
        for (const [i, type] of [
          dice.pick<RecordType>(['A', 'AAAA']),
          dice.pick<RecordType>(['TXT', 'CNAME']),
        ].entries()) {
          // The same name on both: only the server tells them apart.
          const name = `p${seed}-${i}.example.test.`;
          const entry = entryOf({ name, type }, dice);
          records.push({
            ...{ bench: benches[at], at, name, type, entry, named: dice.below(4) > 0 },
            ...{ found: null, ours: [], maybe: false, led: false },
          });
        }
      }
      for (const record of records) await zonePut(record, dice);
      await signing();
      const story = new Story(records, dice, benches, seed % 2 === 0, seed % 4 >= 2);
      try {
        await story.begin();
        for (let act = 0; act < ACTS; act++) {
          const chance = dice.below(10);
          if (chance < 2) await story.edit();
          else if (chance < 3) story.changeConfig();
          else await story.act();
        }
      } finally {
        rmSync(story.dir, { recursive: true, force: true });
      }
    },
    300_000,
  );
});
