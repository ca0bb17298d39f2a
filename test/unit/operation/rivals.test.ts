import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { beginOperation } from '../../../src/operation/begin.ts';
import type { JournalOptions } from '../../../src/operation/journal.ts';
import { thisHolder } from '../../../src/operation/lease.ts';
import { mayStillLand, rivalOperations, writeBounds } from '../../../src/operation/rivals.ts';
import { planEmergency } from '../../../src/rollback/plan.ts';
import { openStore } from '../../../src/store/open.ts';

/** For how long a server is believed to be at what nobody waits for any more. */

const S = 1000;
const webhook = { timeoutMs: 10 * S, retries: 2 } as Parameters<typeof writeBounds>[0][number];
const usual = writeBounds([webhook]);
const slow = writeBounds([{ ...webhook, settlesMs: 60 * S }]);
/** Its last try was given up 30 s after the first began. */
const gaveUp = { startedAt: 0, startedUptime: null, ms: 30 * S, from: 0 };
const killed = { ...gaveUp, ms: null };

it.each([
  ['20 s from the end of the last try, not from the beginning of the first', gaveUp, usual, 49, 0, true],
  ['no longer', gaveUp, usual, 51, 0, false],
  ['as long as the config says', gaveUp, slow, 89, 0, true],
  ['no longer than that', gaveUp, slow, 91, 0, false],
  ['and what puts the flag back, unless to 0 %', { ...gaveUp, from: 0.1 }, usual, 59, 0, true],
  ['after a kill, from when all tries would have been over', killed, usual, 50, 0, true],
  ['no longer than it was seen to be gone', killed, usual, 21, 21, false],
  ['a day later', killed, slow, 86_400, 0, false],
])('%s', (_name, writer, bounds, nowS, quietS, expected) => {
  expect(
    mayStillLand(writer, bounds, { now: nowS * S, uptime: null, quietMs: quietS * S, clocksMs: 0 }),
  ).toBe(expected);
});

it.each([
  ['that much longer by the clock', 349, 0, true],
  ['no longer', 351, 0, false],
  ['nor longer than it was seen to be gone', 60, 21, false],
])('%s, where clocks may be five minutes apart', (_name, nowS, quietS, expected) => {
  const looking = { now: nowS * S, uptime: null, quietMs: quietS * S, clocksMs: 300 * S };
  expect(mayStillLand(gaveUp, usual, looking)).toBe(expected);
});

describe.each([2, -2])("the machine's own clock, where that of a process is %i h off", (hours) => {
  const began = { ...gaveUp, startedUptime: { boot: 'this', ms: 0 } };
  const seen = (boot: string, ms: number) =>
    mayStillLand(began, usual, {
      ...{ now: ms + hours * 3600 * S, uptime: { boot, ms } },
      ...{ quietMs: 0, clocksMs: 300 * S },
    });

  it.each([
    [49, true],
    [51, false],
  ])('counts, after %i s', (s, expected) => {
    expect(seen('this', s * S)).toBe(expected);
  });

  it('and who can wait goes by none where that says nothing', () => {
    const looking = { now: 49 * S + hours * 3600 * S, uptime: null, clocksMs: Number.POSITIVE_INFINITY };
    const lands = (quietS: number) => mayStillLand(began, usual, { ...looking, quietMs: quietS * S });
    expect([lands(19), lands(21)]).toEqual([true, false]);
  });

  it('says nothing of another boot: the clocks are gone by', () => {
    expect(seen('another', 49 * S)).toBe(hours < 0);
  });
});

it('who began before a way back that has outlasted all is no rival any more; whoever comes later is', () => {
  const dir = mkdtempSync(join(tmpdir(), 'cutover-test-'));
  const db = openStore(dir, { now: 1 });
  onTestFinished(() => {
    db.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const elsewhere = { ...thisHolder('t'), host: 'web-7', boot: 'another' };
  const options: JournalOptions = { migration: 'm', holder: elsewhere, keep: 10, now: () => 100 };
  const FLAG = { kind: 'flag', driver: 'webhook', label: 'webhook' } as const;
  const begin = (id: string) => {
    const plan = planEmergency({ flag: FLAG, dns: [], notify: [] }, 0, '', null);
    const journal = beginOperation(db, plan, { id, dns: [], metrics: {} }, options);
    onTestFinished(() => journal.close());
    journal.stepBegins(0);
    return journal;
  };
  const rivals = () =>
    rivalOperations(db, 'op-0', usual, { now: 100, uptime: null, quietMs: 0, clocksMs: 0 }).map(({ words }) =>
      words.slice(0, 22),
    );
  begin('op-1');
  const back = begin('op-2');
  expect(rivals()).toEqual(['the emergency op-1 (pr', 'the emergency op-2 (pr']);
  back.outlasted();
  expect(rivals()).toEqual(['the emergency op-2 (pr']);
  begin('op-3');
  expect(rivals()).toEqual(['the emergency op-2 (pr', 'the emergency op-3 (pr']);
});
