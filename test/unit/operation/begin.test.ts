import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { beginOperation } from '../../../src/operation/begin.ts';
import type { JournalOptions } from '../../../src/operation/journal.ts';
import { thisHolder } from '../../../src/operation/lease.ts';
import type { Plan } from '../../../src/operation/plan.ts';
import { planEmergency } from '../../../src/rollback/plan.ts';
import { recordRun } from '../../../src/store/canary.ts';
import { setFreeze } from '../../../src/store/freeze.ts';
import { type Db, openStore } from '../../../src/store/open.ts';
import type { World } from '../../../src/world.ts';

/** What is decided may wait for a person's yes: what has happened meanwhile is looked at when it begins. */

const at = (ratio: number): World => ({ status: 'rolling', ratio, activeProvider: 'legacy' });
const flag = { kind: 'flag', driver: 'file', label: 'file flags.json' } as const;

/** A migration at 10 %, and a plan that leads it to `ratio`. */
function world() {
  const stateDir = mkdtempSync(join(tmpdir(), 'cutover-begin-'));
  onTestFinished(() => rmSync(stateDir, { recursive: true, force: true }));
  const db = openStore(stateDir, { now: Date.now() });
  onTestFinished(() => void db.close());
  const journal: JournalOptions = { migration: 'm', holder: thisHolder('tester'), keep: 10, now: Date.now };
  const plan = (from: World, to: World, change: Partial<Plan> = {}): Plan => ({
    ...planEmergency({ flag, dns: [], notify: [] }, from.ratio, '', null),
    kind: 'shift',
    from,
    to,
    previous: 'own checkpoint',
    ...change,
  });
  const begin = (one: Plan, id: string) => beginOperation(db, one, { id, dns: [], metrics: {} }, journal);
  const start = begin(
    plan({ status: 'idle', ratio: 0, activeProvider: 'legacy' }, at(0.1), { kind: 'canary start' }),
    'op-1',
  );
  start.finish({ outcome: 'done', applied: true, open: false });
  return { db, plan, begin };
}

function fail(db: Db, runId: string): void {
  const { id } = db.prepare('SELECT id FROM stages').get() as { id: number };
  recordRun(
    db,
    {
      ...{
        runId,
        stageId: id,
        settings: 's',
        at: Date.now(),
        verdict: 'FAIL',
        document: '{}',
        actor: 'cron',
      },
      ...{ latencyP95Ms: null, ttftP95Ms: null, legacyUnhealthy: false, pairs: [] },
    },
    null,
  );
}

const STALE = expect.objectContaining({ code: 'PLAN_STALE', exitCode: 75 });

it('a forward step does not begin in a freeze that came after it was planned; one back does', () => {
  const { db, plan, begin } = world();
  setFreeze(db, { reason: 'incident', actor: 'ann', since: Date.now(), until: null });
  expect(() => begin(plan(at(0.1), at(0.25)), 'op-2')).toThrow(STALE);
  begin(plan(at(0.1), at(0.05)), 'op-3').close();
});

it('a forward step does not begin after a FAIL that came after it was planned, unless it answers that', () => {
  const { db, plan, begin } = world();
  fail(db, 'run-1');
  expect(() => begin(plan(at(0.1), at(0.25)), 'op-2')).toThrow(STALE);
  const forced = { forced: true, answers: 'run-0' };
  expect(() => begin(plan(at(0.1), at(0.25), forced), 'op-3')).toThrow(STALE);
  begin(plan(at(0.1), at(0.25), { forced: true, answers: 'run-1' }), 'op-4').close();
});

it('a forward step does not begin after an emergency that it was planned before, also where the world is the same', () => {
  const { db, plan, begin } = world();
  const rolledBack: World = { status: 'rollback', ratio: 0, activeProvider: 'legacy' };
  const emergency = (id: string) => {
    const all = planEmergency({ flag, dns: [], notify: [] }, 0, '', null);
    begin(all, id).finish({ outcome: 'done', applied: true, open: false });
  };
  emergency('op-2');
  const start = plan(rolledBack, at(0.1), { kind: 'canary start', after: 'op-2' });
  emergency('op-3');
  expect(() => begin(start, 'op-4')).toThrow(STALE);
  begin({ ...start, after: 'op-3' }, 'op-5').close();
  expect(db.open).toBe(true);
});
