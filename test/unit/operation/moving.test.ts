import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { beginOperation } from '../../../src/operation/begin.ts';
import type { JournalOptions } from '../../../src/operation/journal.ts';
import { thisHolder } from '../../../src/operation/lease.ts';
import { firstSince, movingSteps } from '../../../src/operation/moving.ts';
import type { Plan, PlannedHook, PlannedStep } from '../../../src/operation/plan.ts';
import { ledgerOf, movesBack } from '../../../src/rollback/moved.ts';
import { planEmergency } from '../../../src/rollback/plan.ts';
import { createCheckpoint, listCheckpoints } from '../../../src/store/checkpoints.ts';
import { openStore } from '../../../src/store/open.ts';
import type { DnsRecordSet, World } from '../../../src/world.ts';

const IDLE: World = { status: 'idle', ratio: 0, activeProvider: 'legacy' };
const COMPLETE: World = { status: 'complete', ratio: 1, activeProvider: 'target' };
const flag = { kind: 'flag', driver: 'file', label: 'file flags.json' } as const;
const set = (value: string): DnsRecordSet => ({ name: 'llm.', type: 'CNAME', ttl: 60, values: [value] });
const [L, T] = [set('legacy.'), set('target.')];
const hook = (index: number, server: string): PlannedHook => ({
  kind: 'dns',
  driver: 'rfc2136',
  label: `dns[${index}] rfc2136 example.test`,
  server,
  sides: { legacy: [L], target: [T] },
});

function store() {
  const dir = mkdtempSync(join(tmpdir(), 'cutover-test-'));
  const db = openStore(dir, { now: 1 });
  onTestFinished(() => {
    db.close();
    rmSync(dir, { recursive: true, force: true });
  });
  let serial = 0;
  const options: JournalOptions = { migration: 'm', holder: thisHolder('t'), keep: 10, now: () => ++serial };
  /** An operation with one DNS step, which ends as it is told or not at all. */
  const move = (step: PlannedStep, from: World, to: World, end?: 'done' | 'failed', intended = true) => {
    const plan: Plan = {
      ...planEmergency({ flag, dns: [], notify: [] }, 0, '', null),
      ...{ kind: 'shift', from, to, steps: [flag, step], previous: 'own checkpoint' },
    };
    const journal = beginOperation(db, plan, { id: `op-${++serial}`, dns: [], metrics: {} }, options);
    journal.stepBegins(1);
    if (intended) journal.stepIntends(1, [L], [T]);
    const kept = { attempts: 1, ms: 1, before: [L], after: [T], error: null };
    if (end) journal.stepEnds(1, { outcome: end, ...kept });
    if (end) journal.finish({ outcome: end === 'done' ? 'done' : 'partial', applied: true, open: false });
    journal.close();
  };
  return { db, options, move };
}

const moves = (steps: ReturnType<typeof movingSteps>) => [...movesBack(ledgerOf(steps), null)];

it('knows what a step that was killed was about to write, and nothing of one that had not come so far', () => {
  const { db, move } = store();
  const { kind, driver, label } = hook(0, 'ns1');
  move({ kind, driver, label, server: 'ns1' }, IDLE, COMPLETE, undefined, true);
  expect(moves(movingSteps(db, [hook(0, 'ns1')]))).toEqual([['ns1', [{ from: T, to: L }]]]);
  const other = store();
  other.move({ kind, driver, label, server: 'ns1' }, IDLE, COMPLETE, undefined, false);
  expect(moves(movingSteps(other.db, [hook(0, 'ns1')]))).toEqual([]);
});

it('takes the one hook of its zone for the server that an older journal does not name', () => {
  const { db, move } = store();
  const { kind, driver, label } = hook(0, 'ns1');
  move({ kind, driver, label }, IDLE, COMPLETE, 'done');
  expect(moves(movingSteps(db, [hook(3, 'ns7')]))).toEqual([['ns7', [{ from: T, to: L }]]]);
  // Of two nobody can tell which: it is no server of the config, and named as that.
  expect(moves(movingSteps(db, [hook(0, 'ns1'), hook(1, 'ns2')]))).toEqual([
    ['rfc2136 example.test', [{ from: T, to: L }]],
  ]);
});

it('knows what began after a checkpoint, also of one that was made by hand, or whose operation is long gone', () => {
  const { db, options, move } = store();
  const { kind, driver, label } = hook(0, 'ns1');
  const step = { kind, driver, label, server: 'ns1' };
  move(step, IDLE, COMPLETE, 'done');
  const made = { migration: 'm', actor: 't', at: options.now(), reason: '', pinned: true, keep: 10, dns: [] };
  const byHand = createCheckpoint(db, made);
  expect(firstSince(db, byHand)).toBe(Number.MAX_SAFE_INTEGER);
  move(step, COMPLETE, COMPLETE, 'done');
  const [own] = listCheckpoints(db);
  expect([firstSince(db, byHand), own && firstSince(db, own)]).toEqual([2, 2]);
});
