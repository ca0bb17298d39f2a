import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { beginOperation } from '../../../src/operation/begin.ts';
import type { JournalOptions } from '../../../src/operation/journal.ts';
import { thisHolder } from '../../../src/operation/lease.ts';
import { mayStillCome, openCalls } from '../../../src/operation/open-calls.ts';
import type { Plan } from '../../../src/operation/plan.ts';
import { planEmergency } from '../../../src/rollback/plan.ts';
import { openStore } from '../../../src/store/open.ts';
import type { World } from '../../../src/world.ts';

describe('what a call has asked for', () => {
  const [exec, webhook] = [
    { driver: 'exec', ended: false },
    { driver: 'webhook', ended: false },
  ];
  const [unseen, seen, gone, ended] = [
    { commands: [], gone: false },
    { commands: ['7'], gone: false },
    { commands: [], gone: true },
    { commands: [], gone: true, wasSeen: true },
  ];
  it.each([
    ['may come while its time is not over', exec, unseen, 500, true],
    ['does not come after that', exec, unseen, 1000, false],
    ['may come as long as its command runs', exec, seen, 8000, true],
    ['does not come when nobody is left of it', exec, ended, 500, false],
    ['may come from a command that nobody could see', exec, gone, 500, true],
    ['does not come from it after that', exec, gone, 1000, false],
    ['does not come from a command that was ended', { ...exec, ended: true }, unseen, 500, false],
    ['may come from what such a command has left', { ...exec, ended: true }, seen, 8000, true],
    ['may come from a server that was asked', webhook, gone, 500, true],
    ['may come from one that nobody waits for any more', { ...webhook, ended: true }, unseen, 500, true],
    ['does not come from a server after that', webhook, unseen, 1000, false],
  ])('%s', (_name, call, from, forMs, may) => {
    expect(mayStillCome(call, from, { wasSeen: false, forMs, withinMs: 1000, ...from })).toBe(may);
  });
});

describe('the calls that are known', () => {
  const IDLE: World = { status: 'idle', ratio: 0, activeProvider: 'legacy' };
  const COMPLETE: World = { status: 'complete', ratio: 1, activeProvider: 'target' };
  const FLAG = { kind: 'flag', driver: 'file', label: 'file flags.json' } as const;
  const DNS = { kind: 'dns', driver: 'exec', label: 'dns[0] exec ./route', timeoutMs: 700 } as const;

  /** Of a shift whose DNS step has begun, and ended as told or not at all. */
  function store(code?: string) {
    const dir = mkdtempSync(join(tmpdir(), 'cutover-test-'));
    const db = openStore(dir, { now: 1 });
    onTestFinished(() => {
      db.close();
      rmSync(dir, { recursive: true, force: true });
    });
    let now = 100;
    const options: JournalOptions = { migration: 'm', holder: thisHolder('t'), keep: 10, now: () => now };
    const plan: Plan = {
      ...planEmergency({ flag: FLAG, dns: [], notify: [] }, 0, '', null),
      ...{ kind: 'shift', from: IDLE, to: COMPLETE, steps: [FLAG, DNS], previous: 'own checkpoint' },
    };
    const journal = beginOperation(db, plan, { id: 'op-1', dns: [], metrics: {} }, options);
    onTestFinished(() => journal.close());
    journal.stepBegins(1);
    now = 200;
    journal.stepTries(1);
    const kept = { attempts: 1, ms: 1, before: null, after: null, error: 'x' };
    if (code === 'late') journal.stepEnds(1, { ...kept, outcome: 'done', error: null, unanswered: true });
    else if (code === 'none') journal.stepEnds(1, { ...kept, outcome: 'done', error: null });
    else if (code) journal.stepEnds(1, { ...kept, outcome: 'failed', code });
    return db;
  }
  const calls = (...[code]: Parameters<typeof store>) =>
    openCalls(store(code), 'op-2', { label: 'exec ./route' }, 'legacy');

  it('are those of steps that have not ended, with their time', () => {
    expect(calls()).toMatchObject([{ id: 'op-1', kind: 'shift', position: 1, timeoutMs: 700, ended: false }]);
  });
  it('and of those that got no answer in time, but not of others that have ended', () => {
    expect([calls('TIMEOUT'), calls('late')]).toMatchObject([[{ ended: true }], [{ ended: true }]]);
    expect([calls('HOOK_FAILED'), calls('none')]).toEqual([[], []]);
  });
  it('but not what leads the same way, what another hook does, and what is one’s own', () => {
    const db = store();
    expect(openCalls(db, 'op-2', { label: 'exec ./route' }, 'target')).toEqual([]);
    expect(openCalls(db, 'op-2', { label: 'dns[0] exec ./other' }, 'legacy')).toEqual([]);
    expect(openCalls(db, 'op-1', DNS, 'legacy')).toEqual([]);
  });
});
