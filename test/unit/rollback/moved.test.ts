import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isOf,
  ledgerOf,
  type MovingStep,
  movesBack,
  type PlannedMove,
  sameRecord,
  shouldSay,
} from '../../../src/rollback/moved.ts';
import type { DnsRecordSet } from '../../../src/world.ts';

const NAME = 'llm.example.test.';
const set = (value: string | null, ttl = 30, name = NAME): DnsRecordSet => ({
  name,
  type: 'CNAME',
  ttl: value === null ? 0 : ttl,
  values: value === null ? [] : [`${value}.example.net.`],
});
const step = (change: Partial<MovingStep> & { from: DnsRecordSet; to: DnsRecordSet }): MovingStep => {
  const { from, to, ...more } = change;
  return {
    operation: 1,
    server: 'ns1',
    driver: 'rfc2136',
    label: 'rfc2136 example.test',
    provider: 'target',
    back: change.provider === 'legacy',
    mends: false,
    done: true,
    before: [from],
    after: [to],
    ...more,
  };
};
const [L, T] = [set('legacy', 300), set('target')];
const forth = step({ from: L, to: T });
const back = step({ from: T, to: L, provider: 'legacy' });
const movesOf = (...steps: MovingStep[]) => [...movesBack(ledgerOf(steps), null).values()].flat();

describe('a TTL that was lowered', () => {
  const low = { ...L, ttl: 30 };
  const lower = step({ from: L, to: low, provider: 'legacy', back: false });
  const rung = { provider: 'legacy', rung: true } as const;
  const toRung = (...steps: MovingStep[]) =>
    [...movesBack(ledgerOf(steps), null, ledgerOf([lower])).values()].flat();

  it('stays so on a rung, and is known until it is restored', () => {
    expect(toRung(lower)).toEqual([]);
    const forth = step({ from: low, to: T });
    expect(toRung(lower, forth)).toEqual([{ from: T, to: low }]);
    const back = step({ from: T, to: low, ...rung });
    const looked = step({ from: low, to: low, ...rung });
    for (const steps of [
      [lower, forth, back],
      [lower, looked],
      [lower, forth, back, looked],
    ]) {
      expect(movesOf(...steps)).toEqual([{ from: low, to: L }]);
      expect(ledgerOf(steps).records.map(shouldSay)).toEqual([low]);
    }
  });

  it('is known after it was mended, and not after it was kept as somebody else has made it', () => {
    const other = { ...L, ttl: 900 };
    const mend = step({ from: other, to: low, mends: true, back: false, ...rung });
    expect(movesOf(lower, mend)).toEqual([{ from: low, to: L }]);
    const keep = step({ from: other, to: other, mends: true, back: false, ...rung });
    expect(movesOf(lower, keep)).toEqual([]);
  });

  it('is not ours where somebody else has set it since', () => {
    const looked = step({ from: { ...L, ttl: 900 }, to: { ...L, ttl: 900 }, ...rung });
    expect(movesOf(lower, looked)).toEqual([{ from: low, to: L }]);
    expect(ledgerOf([lower, looked]).records.map(shouldSay)).toEqual([low]);
  });
});

describe('what our own steps moved', () => {
  it('is nothing before anything was, and after it was put back', () => {
    expect(movesOf()).toEqual([]);
    expect(movesOf(forth, back)).toEqual([]);
  });

  it('goes from what was written to what was found, TTL included', () => {
    expect(movesOf(forth)).toEqual([{ from: T, to: L }]);
  });

  it('is known by the server: another one of the same zone is another record', () => {
    const other = step({ from: set('inside'), to: T, server: 'ns2' });
    expect([...movesBack(ledgerOf([forth, other]), null)]).toEqual([
      ['ns1', [{ from: T, to: L }]],
      ['ns2', [{ from: T, to: set('inside') }]],
    ]);
  });

  it('leaves out what said so already', () => {
    expect(movesOf(step({ from: T, to: T }))).toEqual([]);
  });

  it('begins anew with what somebody else wrote while everything was put back', () => {
    const later = step({ from: set('new-legacy'), to: T });
    expect(movesOf(forth, back, later)).toEqual([{ from: T, to: set('new-legacy') }]);
  });

  it('does not take a changed TTL for a new beginning: the value is ours', () => {
    const again = step({ from: set('target', 900), to: T });
    expect(movesOf(forth, again)).toEqual([{ from: T, to: L }]);
  });

  it('stays as it is where somebody else’s record was left alone', () => {
    const foreign = set('foreign');
    const left = step({ from: foreign, to: foreign, provider: 'legacy', done: false });
    expect(movesOf(forth, left)).toEqual([{ from: T, to: L }]);
  });

  it('is back when somebody else’s record was overwritten with what was found', () => {
    expect(movesOf(forth, step({ from: set('foreign'), to: L, provider: 'legacy' }))).toEqual([]);
  });

  it('is not back where an emergency knew the config alone: what was found is still to come', () => {
    const config = set('legacy', 30);
    expect(movesOf(forth, step({ from: T, to: config, provider: 'legacy' }))).toEqual([
      { from: config, to: L },
    ]);
    expect(movesOf(step({ from: L, to: config, provider: 'legacy' }))).toEqual([{ from: config, to: L }]);
  });

  it('is ours again only where it says what we wrote, once a way back that failed for others has seen it back', () => {
    const failed = { provider: 'legacy', done: false } as const;
    const looked = step({ from: L, to: L, ...failed });
    const put = step({ from: T, to: L, ...failed, after: [{ ...L, seen: true }] });
    const foreign = set('foreign');
    const met = step({ from: foreign, to: foreign, ...failed });
    for (const steps of [[looked], [put], [put, met], [put, looked]])
      expect(movesOf(forth, ...steps)).toEqual([{ from: T, to: L, back: true }]);
    // Nobody has seen whether it was written.
    expect(movesOf(forth, { ...back, done: false }, met)).toEqual([{ from: T, to: L }]);
    expect(movesOf(forth, put, step({ from: foreign, to: T }))).toEqual([{ from: T, to: foreign }]);
  });

  it('may be either where a step ended half-way', () => {
    expect(movesOf(step({ from: L, to: T, done: false }))).toEqual([{ from: T, to: L }]);
    expect(movesOf(forth, { ...back, done: false })).toEqual([{ from: T, to: L }]);
    const config = set('legacy', 30);
    expect(movesOf(forth, step({ from: T, to: config, provider: 'legacy', done: false }))).toEqual([
      { from: T, to: L, or: [config] },
    ]);
    const newer = set('target2');
    expect(movesOf(forth, step({ from: T, to: newer, done: false }))).toEqual([
      { from: newer, to: L, or: [T] },
    ]);
  });

  it('leads forward again to what a checkpoint of target had', () => {
    const then = ledgerOf([forth]);
    expect([...movesBack(ledgerOf([forth, back]), then).values()]).toEqual([[{ from: L, to: T }]]);
    expect([...movesBack(ledgerOf([forth]), then).values()]).toEqual([]);
  });

  it('is unknown where what was found could not be kept, until the server is put back', () => {
    const secret = { ...forth, before: null };
    expect([...ledgerOf([secret]).unknown]).toEqual(['ns1']);
    expect([...ledgerOf([secret, back]).unknown]).toEqual([]);
  });

  it('keeps the first TTL where it was lowered ahead of the move', () => {
    const low = set('legacy', 30);
    const lower = step({ from: L, to: low, provider: 'legacy', back: false });
    expect(movesOf(lower)).toEqual([{ from: low, to: L }]);
    expect(movesOf(lower, step({ from: low, to: T }))).toEqual([{ from: T, to: L }]);
    const [record] = ledgerOf([lower]).records;
    expect(record && shouldSay(record)).toEqual(low);
  });

  it('should say what was found where a way back has failed, also before it came to the record', () => {
    const said = (...steps: MovingStep[]) => ledgerOf(steps).records.map(shouldSay);
    expect(said(forth)).toEqual([T]);
    expect(said(forth, { ...back, done: false, before: null, after: null })).toEqual([L]);
    expect(said(forth, { ...back, done: false })).toEqual([L]);
    expect(movesOf(forth, { ...back, done: false, before: null, after: null })).toEqual([{ from: T, to: L }]);
  });

  it('is not what a look has seen: what was put back is what should be there', () => {
    const look = step({ from: set('foreign'), to: set('foreign'), provider: 'legacy' });
    expect(ledgerOf([look]).records).toEqual([]);
    expect(ledgerOf([forth, back, look]).records.map(shouldSay)).toEqual([L]);
  });

  it('is not the address of former days where it was replaced after its TTL was lowered', () => {
    const lower = (from: DnsRecordSet) =>
      step({ from, to: { ...from, ttl: 30 }, provider: 'legacy', back: false });
    const newer = set('legacy2', 300);
    const low = set('legacy2', 30);
    expect(movesOf(lower(L), lower(newer))).toEqual([{ from: low, to: newer }]);
    expect(movesOf(lower(L), lower(low))).toEqual([]);
    expect(movesOf(lower(L), lower(low), step({ from: low, to: T }))).toEqual([{ from: T, to: low }]);
    // Who has moved it ahead of us has not found what was there.
    expect(movesOf(lower(L), step({ from: T, to: T }))).toEqual([{ from: T, to: L }]);
  });

  it('stays ours, and left to do, where a person’s mending has failed or somebody else’s record was in its place', () => {
    const foreign = set('foreign');
    const failed = { ...back, done: false };
    const mend = { provider: 'legacy' as const, back: false, mends: true, done: false };
    const said = (...steps: MovingStep[]) => ledgerOf(steps).records.map(shouldSay);
    for (const to of [foreign, L])
      expect(said(forth, failed, step({ from: foreign, to, ...mend }))).toEqual([L]);
    // On target: what was met there is not what we wrote.
    const met = step({ from: foreign, to: foreign, mends: true, done: false });
    expect(movesOf(forth, met)).toEqual([{ from: T, to: L }]);
  });

  it('stays ours where only TTLs were lowered since', () => {
    const failed = { ...back, done: false };
    const lower = (from: DnsRecordSet, ttl: number) =>
      step({ from, to: { ...from, ttl }, provider: 'legacy', back: false });
    const foreign = set('foreign', 300);
    expect(movesOf(forth, failed, lower(set('foreign', 30), 30))).toEqual([{ from: T, to: L }]);
    expect(movesOf(forth, failed, lower(foreign, 30))).toEqual([
      { from: set('foreign', 30), to: foreign, or: [T] },
    ]);
    const left = ledgerOf([forth, failed, lower(T, 30)]).records.map(shouldSay);
    expect(left).toEqual([L]);
  });

  it('is not what an emergency without the journal has led away from target: that does not come back', () => {
    const away = { provider: 'legacy' as const, fromTarget: [T] };
    expect(movesOf(step({ from: T, to: L, ...away }))).toEqual([]);
    expect(movesOf(step({ from: T, to: L, ...away, done: false }))).toEqual([{ from: T, to: L }]);
    // So it is with what a person has wanted led away, whatever the config says since.
    const told = { provider: 'legacy' as const, plans: [] };
    expect(movesOf(step({ from: T, to: L, ...told }))).toEqual([]);
    expect(movesOf(step({ from: T, to: L, ...told, done: false }))).toEqual([{ from: T, to: L }]);
    const config = set('legacy', 30);
    expect(movesOf(forth, step({ from: T, to: config, ...told, plans: [T] }))).toEqual([]);
    expect(movesOf(step({ from: L, to: config, ...told, plans: [L], done: false }))).toEqual([
      { from: config, to: L },
    ]);
  });

  it('counts as settled where a person has mended it', () => {
    const foreign = set('foreign');
    const mend = { provider: 'legacy' as const, mends: true };
    expect(movesOf(forth, step({ from: foreign, to: foreign, ...mend }))).toEqual([]);
    expect(movesOf(step({ from: foreign, to: L, ...mend }))).toEqual([]);
    const onTarget = step({ from: foreign, to: foreign, mends: true });
    expect(movesOf(forth, onTarget)).toEqual([{ from: foreign, to: L }]);
    const [record] = ledgerOf([forth, onTarget]).records;
    expect(record && shouldSay(record)).toEqual(foreign);
  });
});

/**
 * A server that keeps one record, and a migration that moves it, is killed in between, and lives with others who write
 * it too. What the ledger says is held against what the server was seen to say.
 */
type Event =
  | { is: 'forward'; killed: boolean; written: boolean; ttl: number }
  | { is: 'back'; killed: boolean; written: boolean; overwrite: boolean }
  | { is: 'emergency by the config'; killed: boolean; written: boolean }
  | { is: 'foreign'; value: DnsRecordSet };

const values = ['legacy', 'legacy2', 'target', 'target2', 'foreign', null];
const anySet = fc.record({ value: fc.constantFrom(...values), ttl: fc.constantFrom(30, 300) });
const events: fc.Arbitrary<Event> = fc.oneof(
  fc.record({
    is: fc.constant('forward' as const),
    killed: fc.boolean(),
    written: fc.boolean(),
    ttl: fc.constantFrom(30, 60),
  }),
  fc.record({
    is: fc.constant('back' as const),
    killed: fc.boolean(),
    written: fc.boolean(),
    overwrite: fc.boolean(),
  }),
  fc.record({
    is: fc.constant('emergency by the config' as const),
    killed: fc.boolean(),
    written: fc.boolean(),
  }),
  anySet.map(({ value, ttl }) => ({ is: 'foreign' as const, value: set(value, ttl) })),
);

class Play {
  steps: MovingStep[] = [];
  constructor(public says: DnsRecordSet) {}

  private write(
    to: DnsRecordSet,
    provider: MovingStep['provider'],
    ends: { killed: boolean; written: boolean },
  ) {
    const from = this.says;
    if (!ends.killed || ends.written) this.says = to;
    this.steps.push(step({ from, to, provider, done: !ends.killed }));
  }

  forward(ttl: number, ends: { killed: boolean; written: boolean }) {
    this.write(set('target', ttl), 'target', ends);
  }

  emergency(ends: { killed: boolean; written: boolean }) {
    this.write(set('legacy', 30), 'legacy', ends);
  }

  /** What a driver does with a move; says whether the step was done. */
  back(overwrite: boolean, ends: { killed: boolean; written: boolean }): 'done' | 'foreign' | 'killed' {
    const [move] = movesOf(...this.steps);
    if (!move) {
      this.steps.push(step({ from: this.says, to: this.says, provider: 'legacy' }));
      return 'done';
    }
    const ours = [move.from, ...(move.or ?? [])].some((one) => sameRecord(one, this.says));
    if (!ours && !sameRecord(move.to, this.says) && !overwrite) {
      this.steps.push(step({ from: this.says, to: this.says, provider: 'legacy', done: false }));
      return 'foreign';
    }
    this.write(move.to, 'legacy', ends);
    return ends.killed ? 'killed' : 'done';
  }
}

const WELL = { killed: false, written: true };

describe('whatever happens to a record', () => {
  const stories = fc.tuple(anySet, fc.array(events, { maxLength: 12 }));

  it('is ours or named: a rollback that is done leaves nothing that we wrote where something else was found', () => {
    fc.assert(
      fc.property(stories, ([{ value, ttl }, story]) => {
        const play = new Play(set(value, ttl));
        for (const event of story) {
          if (event.is === 'foreign') play.says = event.value;
          else if (event.is === 'forward') play.forward(event.ttl, event);
          else if (event.is === 'back') play.back(event.overwrite, event);
          else play.emergency(event);
        }
        const before = play.says;
        const [move] = movesOf(...play.steps);
        const end = play.back(false, WELL);
        if (end === 'foreign') {
          expect(play.says).toEqual(before);
          return;
        }
        expect(movesOf(...play.steps)).toEqual([]);
        if (move) expect(sameRecord(play.says, move.to)).toBe(true);
        else expect(play.says).toEqual(before);
        // A second one writes nothing.
        const after = play.says;
        expect(play.back(false, WELL)).toBe('done');
        expect(play.says).toBe(after);
      }),
      { numRuns: 3000 },
    );
  });

  it('comes back as it was found, whatever was killed on the way, where nobody else writes', () => {
    fc.assert(
      fc.property(stories, ([{ value, ttl }, story]) => {
        fc.pre(value !== 'target');
        const start = set(value, ttl);
        const play = new Play(start);
        for (const event of story) {
          if (event.is === 'forward') play.forward(event.ttl, event);
          else if (event.is === 'back') expect(play.back(false, event)).not.toBe('foreign');
          else if (event.is === 'emergency by the config') play.emergency(event);
        }
        expect(play.back(false, WELL)).toBe('done');
        expect(play.says).toEqual(start);
      }),
      { numRuns: 3000 },
    );
  });

  it('leaves what others wrote since alone, unless it is told not to', () => {
    fc.assert(
      fc.property(anySet, anySet, (start, edit) => {
        const play = new Play(set(start.value, start.ttl));
        play.forward(30, WELL);
        play.says = set(edit.value, edit.ttl);
        const [move] = movesOf(...play.steps) as [PlannedMove?];
        fc.pre(move !== undefined);
        const known = [move.from, move.to].some((one) => sameRecord(one, play.says));
        expect(play.back(false, WELL)).toBe(known ? 'done' : 'foreign');
        expect(play.back(true, WELL)).toBe('done');
        expect(play.says).toEqual(set(start.value, start.ttl));
      }),
    );
  });

  it('knows records of one name by their type', () => {
    expect(isOf({ name: NAME, type: 'A' })(L)).toBe(false);
  });
});

describe('hooks that cannot be read', () => {
  const told = (receiver: string | undefined, provider: 'legacy' | 'target', place = 0) =>
    step({
      ...{ from: L, to: L, server: null, driver: 'webhook', label: `dns[${place}] webhook`, provider },
      ...(receiver === undefined ? {} : { receiver }),
    });
  const handed = (...steps: MovingStep[]) =>
    ledgerOf(steps).handed.map(({ label, receiver }) => receiver ?? label);

  it('are known by whom they call, wherever they stand', () => {
    const both = [told('eu', 'target', 0), told('us', 'target', 1)];
    expect(handed(...both)).toEqual(['eu', 'us']);
    expect(handed(...both, told('us', 'legacy', 0))).toEqual(['eu']);
  });

  it('and by their label where an older cutover has kept nothing else', () => {
    expect(handed(told(undefined, 'target', 1))).toEqual(['webhook']);
    expect(handed(told(undefined, 'target', 1), told('eu', 'legacy', 0))).toEqual([]);
  });
});
