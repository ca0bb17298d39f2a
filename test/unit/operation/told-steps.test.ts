import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { beginOperation } from '../../../src/operation/begin.ts';
import type { JournalOptions } from '../../../src/operation/journal.ts';
import { thisHolder } from '../../../src/operation/lease.ts';
import { findOperation } from '../../../src/operation/operations.ts';
import { databaseOutbox, type Told } from '../../../src/operation/outbox.ts';
import { stepsFor } from '../../../src/operation/plan.ts';
import { wordOf } from '../../../src/operation/word.ts';
import { planEmergency } from '../../../src/rollback/plan.ts';
import { openStore } from '../../../src/store/open.ts';

/** An operation of which nothing was left but to tell, and the messages that are sent later. */

const RULE = { passed: new Set<number>(), budgetMs: 1000 };
const ran = { attempts: 1, ms: 1, before: null, after: null };

/** An operation that is done but could tell neither of two hooks. */
function untold() {
  const stateDir = mkdtempSync(join(tmpdir(), 'cutover-told-'));
  onTestFinished(() => rmSync(stateDir, { recursive: true, force: true }));
  const db = openStore(stateDir, { now: Date.now() });
  onTestFinished(() => void db.close());
  const told: Told[] = [{ label: 'a' }, { label: 'b' }];
  const options: JournalOptions = {
    migration: 'm',
    holder: thisHolder('tester'),
    keep: 10,
    now: Date.now,
    told,
  };
  const step = (kind: 'flag' | 'notify', label: string) => ({ kind, driver: 'exec', label });
  const drivers = { flag: step('flag', 'flag'), dns: [], notify: [step('notify', 'a'), step('notify', 'b')] };
  const plan = { ...planEmergency(drivers, 0.5, '', null), steps: stepsFor(drivers, []) };
  const journal = beginOperation(db, plan, { id: 'op-1', dns: [], metrics: {} }, options);
  const ends = new Map([[0, { ...ran, outcome: 'done' as const, error: null }]]);
  journal.stepEnds(0, { ...ran, outcome: 'done', error: null });
  journal.says(wordOf({ migration: 'm', operation: journal.operation, ends, now: Date.now() }));
  for (const position of [1, 2]) {
    journal.stepBegins(position);
    journal.stepEnds(position, { ...ran, outcome: 'failed', error: 'HTTP 500' });
  }
  journal.finish({ outcome: 'partial', applied: true, open: true });
  const send = (label: string, own?: string) => {
    const outbox = databaseOutbox(db, { ...options, ...(own ? { own } : {}) });
    const taken = outbox.take({ label }, RULE);
    if (taken === null || taken === 'busy') throw new Error(`nothing to send: ${taken}`);
    outbox.ended(taken, { sent: true, attempts: 1, after: 'HTTP 200' });
  };
  const state = () => {
    const { open, outcome, steps } = findOperation(db, 'op-1');
    return { open, outcome, steps: steps.map((one) => one.outcome) };
  };
  return { db, send, state };
}

it('is done when the last of them is sent', () => {
  const { send, state } = untold();
  send('b');
  expect(state()).toEqual({ open: true, outcome: 'partial', steps: ['done', 'failed', 'done'] });
  send('a');
  expect(state()).toEqual({ open: false, outcome: 'done', steps: ['done', 'done', 'done'] });
});

it('is done also when whoever sent one was killed before it could say so', () => {
  const { db, send, state } = untold();
  db.prepare("UPDATE steps SET outcome = 'running' WHERE position = 1").run();
  send('a', 'op-1');
  expect(state()).toMatchObject({ open: true, steps: ['done', 'running', 'failed'] });
  send('b');
  expect(state()).toEqual({ open: false, outcome: 'done', steps: ['done', 'done', 'done'] });
});

it('one hook is sent to by one process at a time, and by another when that is gone', () => {
  const { db, state } = untold();
  const holder = thisHolder('tester');
  const other = { ...holder, pid: 2 ** 22 - 1, process: '1' };
  const mine = databaseOutbox(db, { holder, now: Date.now });
  const theirs = databaseOutbox(db, { holder: other, now: Date.now });
  expect(mine.take({ label: 'a' }, RULE)).toMatchObject({ operationId: 'op-1' });
  expect(theirs.take({ label: 'a' }, RULE)).toBe('busy');
  expect(theirs.take({ label: 'b' }, RULE)).toMatchObject({ operationId: 'op-1' });
  // No such process: it is gone, and what it was sending is sent by whoever comes next.
  expect(mine.take({ label: 'b' }, RULE)).toMatchObject({ operationId: 'op-1' });
  expect(state()).toMatchObject({ open: true });
});
