import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { FlagDriver, FlagReading } from '../../../src/flag/driver.ts';
import type { Hook, HookEvent } from '../../../src/hooks/hook.ts';
import { beginOperation } from '../../../src/operation/begin.ts';
import { type Execution, execute } from '../../../src/operation/execute.ts';
import type { JournalOptions } from '../../../src/operation/journal.ts';
import { thisHolder } from '../../../src/operation/lease.ts';
import { findOperation } from '../../../src/operation/operations.ts';
import { type Plan, stepsFor } from '../../../src/operation/plan.ts';
import { plannedDrivers } from '../../../src/operation/steps.ts';
import { planEmergency } from '../../../src/rollback/plan.ts';
import { getCheckpoint } from '../../../src/store/checkpoints.ts';
import { readHistory } from '../../../src/store/history.ts';
import { openStore } from '../../../src/store/open.ts';
import { readState } from '../../../src/store/state.ts';
import type { World } from '../../../src/world.ts';

/** An operation that is overtaken ends once: what people hear of it is what the journal says. */

const IDLE: World = { status: 'idle', ratio: 0, activeProvider: 'legacy' };
const TENTH: World = { status: 'canary', ratio: 0.1, activeProvider: 'legacy' };
const HALF: World = { status: 'rolling', ratio: 0.5, activeProvider: 'legacy' };
const ALL: World = { status: 'complete', ratio: 1, activeProvider: 'target' };

type Run = (event: HookEvent) => Promise<void>;

/** A migration at 10 % with a DNS hook that cannot be read and somebody who is told. */
async function world() {
  const stateDir = mkdtempSync(join(tmpdir(), 'cutover-told-end-'));
  onTestFinished(() => rmSync(stateDir, { recursive: true, force: true }));
  const db = openStore(stateDir, { now: Date.now() });
  onTestFinished(() => void db.close());
  const heard: HookEvent[] = [];
  const at: { dns: Run; notify: Run } = { dns: async () => {}, notify: async () => {} };
  const hook = (driver: string, run: (event: HookEvent) => Promise<void>): Hook => ({
    ...{ driver, label: driver, timeoutMs: 5000, retries: 0 },
    run: async (event) => {
      await run(event);
      return {};
    },
  });
  const notify = hook('people', async (event) => {
    heard.push(event);
    await at.notify(event);
  });
  let ratio = 0;
  const flag: FlagDriver = {
    ...{ driver: 'exec', label: 'flag', timeoutMs: 1000, retries: 0, fences: false },
    get: async (): Promise<FlagReading> => ({ ratio, token: 0, operation: null, kind: null }),
    set: async (change) => {
      ratio = change.ratio;
      return [];
    },
  };
  const journal: JournalOptions = {
    ...{ migration: 'm', holder: thisHolder('tester'), keep: 10, now: Date.now },
    told: [notify],
  };
  const execution: Execution = {
    ...{
      migration: 'm',
      actor: 'tester',
      redact: (text: string) => text,
      onStep: () => {},
      onWait: () => {},
    },
    drivers: { flag, dns: [hook('route', (event) => at.dns(event))], notify: [notify] },
    clock: { now: Date.now, random: Math.random },
    signal: new AbortController().signal,
  };
  const drivers = plannedDrivers(execution.drivers);
  const emergency = () => planEmergency(drivers, ratio, '', null);
  const forth = (kind: 'canary start' | 'shift', from: World, to: World): Plan => ({
    ...{ ...emergency(), kind, from, to, previous: 'own checkpoint' },
    steps: stepsFor(drivers, to.ratio === 1 ? drivers.dns : []),
  });
  const run = (plan: Plan, id: string) =>
    execute(beginOperation(db, plan, { id, dns: [], metrics: {} }, journal), execution);
  const ends = (id: string) =>
    heard
      .filter(({ operation, running }) => operation.id === id && !running)
      .map(({ outcome, endedBy }) => [outcome, endedBy].filter((word) => word !== undefined).join(' by '));
  await run(forth('canary start', IDLE, TENTH), 'op-1');
  return { db, at, heard, emergency, forth, run, ends };
}

function signal(): [Promise<void>, () => void] {
  let give = () => {};
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return [given, () => give()];
}

/** Somebody who is in the middle of it when the other comes. */
function gate(when: (event: HookEvent) => boolean, then: () => void = () => {}) {
  const [reached, reach] = signal();
  const [opened, open] = signal();
  const run: Run = async (event) => {
    if (!when(event)) return;
    reach();
    await opened;
    then();
  };
  return { reached, open, run };
}

const fails = () => {
  throw new Error('it did nothing');
};
const FENCED = expect.objectContaining({ code: 'FENCED', exitCode: 75 });

it.each([
  ['comes to its end', () => {}],
  ['fails', fails],
])(
  'a shift whose DNS step %s after an emergency has taken over is told as undone, once',
  async (_n, then) => {
    const { db, at, emergency, forth, run, ends, heard } = await world();
    const slow = gate(({ operation }) => operation.id === 'op-2', then);
    at.dns = slow.run;
    const shift = run(forth('shift', TENTH, ALL), 'op-2');
    await slow.reached;
    await run(emergency(), 'op-3');
    slow.open();
    await expect(shift).rejects.toThrow(FENCED);
    expect([ends('op-2'), ends('op-3')]).toEqual([['undone by op-3'], ['done']]);
    expect(findOperation(db, 'op-2').outcome).toBe('undone');
    // Nor is anything left to be sent by the next command.
    await run(emergency(), 'op-4');
    expect([ends('op-2'), heard.at(-1)?.operation.id]).toEqual([['undone by op-3'], 'op-4']);
  },
);

it('an emergency that another one has overtaken is told as superseded, once', async () => {
  const { at, emergency, run, ends } = await world();
  const slow = gate(({ operation }) => operation.id === 'op-2');
  at.dns = slow.run;
  const first = run(emergency(), 'op-2');
  await slow.reached;
  await run(emergency(), 'op-3');
  slow.open();
  await expect(first).rejects.toThrow(FENCED);
  await run(emergency(), 'op-4');
  expect(['op-2', 'op-3', 'op-4'].map(ends)).toEqual([['superseded by op-3'], ['done'], ['done']]);
});

it('a shift that has moved traffic and is telling of it is done, and an emergency begins where it led', async () => {
  const { db, at, emergency, forth, run, ends, heard } = await world();
  const slow = gate(({ operation }) => operation.id === 'op-2');
  at.notify = slow.run;
  const shift = run(forth('shift', TENTH, HALF), 'op-2');
  await slow.reached;
  const over = run(emergency(), 'op-3');
  slow.open();
  await expect(shift).rejects.toThrow(FENCED);
  const { checkpointId, from, undo } = await over;
  expect([ends('op-2'), ends('op-3')]).toEqual([['done'], ['done']]);
  expect(findOperation(db, 'op-2')).toMatchObject({ outcome: 'done', applied: true, open: false });
  const events = readHistory(db, { limit: 100 }).flatMap(({ operationId, event }) =>
    operationId === 'op-2' ? [event] : [],
  );
  expect(events).toContain('shift done');
  expect(from).toEqual(HALF);
  expect(heard.at(-1)).toMatchObject({ operation: { id: 'op-3' }, from: HALF, flag: { before: 0.5 } });
  expect(getCheckpoint(db, checkpointId ?? 0)).toMatchObject({ ...HALF, operationId: 'op-3' });
  expect(undo).toContain(`--to ${checkpointId}`);
  expect(readState(db, 'm')).toMatchObject({ status: 'rollback', ratio: 0 });
});
