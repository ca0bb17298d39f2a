import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { CutoverError } from '../../../src/errors.ts';
import type { FlagDriver, FlagReading } from '../../../src/flag/driver.ts';
import { adoptEmergency } from '../../../src/operation/adopt-emergency.ts';
import { beginOperation } from '../../../src/operation/begin.ts';
import { type Emergency, runEmergency } from '../../../src/operation/emergency.ts';
import { execute } from '../../../src/operation/execute.ts';
import type { JournalOptions, OperationEnd } from '../../../src/operation/journal.ts';
import { thisHolder } from '../../../src/operation/lease.ts';
import { lastOperation, openOperations } from '../../../src/operation/operations.ts';
import { type Plan, stepsFor } from '../../../src/operation/plan.ts';
import { plannedDrivers } from '../../../src/operation/steps.ts';
import { planEmergency, planRollback } from '../../../src/rollback/plan.ts';
import { getCheckpoint } from '../../../src/store/checkpoints.ts';
import { appendHistory, readHistory, verifyHistory } from '../../../src/store/history.ts';
import { type Db, openStore } from '../../../src/store/open.ts';
import { readState } from '../../../src/store/state.ts';
import type { World } from '../../../src/world.ts';

/** Who takes over from whom, step by step: what the race of many processes meets only now and then. */

const IDLE: World = { status: 'idle', ratio: 0, activeProvider: 'legacy' };

/** A flag store that keeps no tokens: whoever writes last is right. */
function plainFlag(): FlagDriver & { ratio: number } {
  const flag = {
    driver: 'exec',
    label: 'exec ./flag',
    timeoutMs: 1000,
    retries: 0,
    fences: false,
    ratio: 0,
    get: async (): Promise<FlagReading> => ({ ratio: flag.ratio, token: 0, operation: null, kind: null }),
    set: async ({ ratio }: { ratio: number }) => {
      flag.ratio = ratio;
      return [];
    },
  };
  return flag;
}

function world() {
  const stateDir = mkdtempSync(join(tmpdir(), 'cutover-takeover-'));
  onTestFinished(() => rmSync(stateDir, { recursive: true, force: true }));
  const db = openStore(stateDir, { now: Date.now() });
  onTestFinished(() => void db.close());
  const flag = plainFlag();
  const journal: JournalOptions = { migration: 'm', holder: thisHolder('tester'), keep: 10, now: Date.now };
  const execution: Emergency['execution'] = {
    migration: 'm',
    actor: 'tester',
    drivers: { flag, dns: [], notify: [] },
    clock: { now: Date.now, random: Math.random },
    redact: (text) => text,
    signal: new AbortController().signal,
    onStep: () => {},
    onWait: () => {},
  };
  const drivers = plannedDrivers(execution.drivers);
  const change = (kind: 'canary start' | 'shift', from: World, to: World): Plan => ({
    ...planEmergency(drivers, from.ratio, '', null),
    kind,
    from,
    to,
    steps: stepsFor(drivers, []),
    previous: 'own checkpoint',
  });
  const run = async (plan: Plan, id: string) =>
    execute(beginOperation(db, plan, { id, dns: [], metrics: {} }, journal), execution);
  const rollback = () => {
    const { previous, ...state } = readState(db, 'm');
    const findCheckpoint = (id: number) => ({ ...getCheckpoint(db, id), since: id });
    const open = openOperations(db);
    return planRollback(
      {
        world: state,
        previous,
        open,
        findCheckpoint,
        drivers,
        moving: [],
        last: lastOperation(db)?.id ?? null,
        gates: [],
        reason: '',
        force: false,
        evidence: null,
      },
      null,
    );
  };
  const emergency = (change: Partial<Emergency> = {}): Promise<unknown> =>
    runEmergency({
      execution,
      journal,
      stateDir,
      plan: (ratio) => planEmergency(drivers, ratio, '', null),
      openDatabase: () => openStore(stateDir, { now: Date.now() }),
      readDatabase: () => openStore(stateDir, { now: Date.now() }),
      onFlag: () => {},
      onDns: () => {},
      onRivals: () => {},
      onDatabaseFault: (error) => {
        throw error;
      },
      ...change,
    });
  const another = () => {
    const other = openStore(stateDir, { now: Date.now() });
    onTestFinished(() => void other.close());
    return other;
  };
  return { db, flag, drivers, journal, change, run, rollback, emergency, another };
}

async function rolling(at: ReturnType<typeof world>) {
  const begun: World = { status: 'rolling', ratio: 0.1, activeProvider: 'legacy' };
  const half: World = { ...begun, ratio: 0.5 };
  await at.run(at.change('canary start', IDLE, begun), 'op-1');
  await at.run(at.change('shift', begun, half), 'op-2');
}

const journaledByAnother = (
  db: Db,
  { drivers, journal }: ReturnType<typeof world>,
  end: OperationEnd | null = null,
) =>
  adoptEmergency(
    db,
    { id: 'op-3', token: 1_000_002, plan: planEmergency(drivers, 0.5, '', null), holder: journal.holder },
    new Map([[0, { outcome: 'done', attempts: 1, ms: 0, before: null, after: null, error: null }]]),
    end,
    journal,
    'test',
  );

it('takes an emergency into the journal at once: another connection sees all of it or nothing', async () => {
  const at = world();
  await rolling(at);
  const other = at.another();
  const seen = new Set<string>();
  const journal: JournalOptions = {
    ...at.journal,
    now: () => {
      const { length } = readHistory(other, { limit: 1000 }).filter(
        ({ operationId }) => operationId === 'op-3',
      );
      seen.add(`${openOperations(other).length} open, ${length} entries, ${readState(other, 'm').status}`);
      return Date.now();
    },
  };
  expect(journaledByAnother(at.db, { ...at, journal }, { outcome: 'done', applied: true, open: false })).toBe(
    true,
  );
  expect([...seen]).toEqual(['0 open, 0 entries, rolling']);
  expect(journaledByAnother(other, at)).toBe(false);
  expect(readState(other, 'm')).toMatchObject({ status: 'rollback', ratio: 0 });
  expect(verifyHistory(other).brokenAt).toBeNull();
});

it('keeps history only with what it tells about: never outside a transaction', () => {
  const { db } = world();
  const entry = { at: 0, actor: 'a', event: 'alone', detail: null };
  expect(() => appendHistory(db, entry)).toThrow(/transaction/);
  expect(readHistory(db, { limit: 10 })).toEqual([]);
});

it('does not begin a rollback that was planned before an emergency came into the journal', async () => {
  const at = world();
  await rolling(at);
  const planned = at.rollback();
  journaledByAnother(at.db, at);
  await expect(at.run(planned, 'op-4')).rejects.toThrow(expect.objectContaining({ code: 'PLAN_STALE' }));
  expect(() => at.rollback()).toThrow(CutoverError);
  expect(openOperations(at.db).map(({ id }) => id)).toEqual(['op-3']);
});

it('lets a rollback replace the unfinished operation that it was planned for', async () => {
  const at = world();
  await rolling(at);
  const state = readState(at.db, 'm');
  beginOperation(
    at.db,
    at.change('shift', { ...state }, { ...state, ratio: 1 }),
    { id: 'op-3', dns: [], metrics: {} },
    {
      ...at.journal,
      holder: { ...at.journal.holder, pid: 2 ** 22 + 1 },
    },
  ).close();
  expect(await at.run(at.rollback(), 'op-4')).toMatchObject({ outcome: 'done', to: { ratio: 0.5 } });
  expect(openOperations(at.db)).toEqual([]);
});

it('sets the flag again when somebody set it between the emergency and its journal', async () => {
  const at = world();
  await rolling(at);
  await at.emergency({
    onFlag: () => {
      at.flag.ratio = 0.5;
    },
  });
  expect(at.flag.ratio).toBe(0);
  expect(readState(at.db, 'm')).toMatchObject({ status: 'rollback', ratio: 0 });
  expect(openOperations(at.db)).toEqual([]);
});
