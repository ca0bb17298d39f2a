import { setTimeout as sleep } from 'node:timers/promises';
import { formatDuration, formatRatio } from '../config/units.ts';
import { CutoverError, EXIT } from '../errors.ts';
import type { FlagReading } from '../flag/driver.ts';
import type { Db } from '../store/open.ts';
import { type DnsReading, sameRatio } from '../world.ts';
import { attempt } from './attempt.ts';
import { beginOperation } from './begin.ts';
import { type Execution, execute, type OperationReport } from './execute.ts';
import type { JournalOptions } from './journal.ts';
import { readLease } from './lease.ts';
import { findOperation, lastOperation } from './operations.ts';
import { type Plan, undoOf } from './plan.ts';
import { newOperationId } from './record.ts';

export interface Gradual {
  db: Db;
  /** As `gradualPlans` makes them, of what `flag` says. */
  plans: readonly Plan[];
  /** What the flag said when it was planned. */
  flag: FlagReading | null;
  /** From the first rung to the last, in milliseconds. */
  overMs: number;
  execution: Execution;
  journal: JournalOptions;
  readDns(): Promise<DnsReading[]>;
  onRung(report: OperationReport): void;
}

/** What the flag says, as far as its store keeps that; a store that keeps no writer has token 0. */
type Left = Pick<FlagReading, 'ratio' | 'token' | 'operation'>;

/** How often a pause looks whether somebody else has begun an operation. */
const LOOK_MS = 1000;
/** How long the flag may take to say what it is, all tries together. */
const READ_MS = 60_000;

/**
 * Runs a rollback rung by rung, each an operation of its own, the first at once and the last at the end of the time.
 * Between two rungs the lease is free: whoever needs it may have it, and whoever changes the world ends this. A rung
 * whose flag cannot be set ends it as it ends any operation: unfinished, for `resume`.
 * @returns the reports of the rungs that were run
 * @throws CutoverError OVERTAKEN (75) with who did what, INTERRUPTED with how to go on, and what an operation throws.
 */
export async function runGradual(gradual: Gradual): Promise<OperationReport[]> {
  const { db, plans, overMs, execution } = gradual;
  const { signal } = execution;
  const started = performance.now();
  const reports: OperationReport[] = [];
  let left: Left = gradual.flag ?? { ratio: 0, token: 0, operation: null };
  let after: number | undefined;
  for (const [index, plan] of plans.entries()) {
    const due = started + (overMs * index) / Math.max(1, plans.length - 1);
    if (after !== undefined) await pauseUntil(due, gradual, plan, after);
    if (signal.aborted) throw interrupted(plan, signal.reason, started + overMs - performance.now());
    const changed = whoChangedFlag(left, await readFlag(execution));
    if (changed !== null) throw overtaken(plan, changed);
    const report = await runRung(gradual, plan, after);
    reports.push(report);
    gradual.onRung(report);
    if (report.outcome === 'failed') return reports;
    const { token } = findOperation(db, report.id);
    after = token;
    left = { ratio: plan.to.ratio, token, operation: report.id };
  }
  return reports;
}

async function runRung(gradual: Gradual, plan: Plan, after: number | undefined): Promise<OperationReport> {
  const { db, execution, journal } = gradual;
  const id = newOperationId(execution.clock.now(), execution.clock.random);
  const dns = await gradual.readDns();
  const assertNext = () => {
    if (after !== undefined) assertUntouched(db, plan, after);
  };
  return execute(beginOperation(db, plan, { id, dns, metrics: {}, assertNext }, journal), execution);
}

/** Ends early at Ctrl-C. @throws CutoverError OVERTAKEN as soon as somebody else has begun an operation. */
async function pauseUntil(due: number, { db, execution }: Gradual, plan: Plan, after: number): Promise<void> {
  const { signal } = execution;
  for (;;) {
    assertUntouched(db, plan, after);
    const wait = Math.min(LOOK_MS, due - performance.now());
    if (wait <= 0 || signal.aborted) return;
    // It rejects for the signal alone, which is looked at next.
    await sleep(wait, undefined, { signal }).catch(() => {});
  }
}

/** What the flag says now, with the tries its config allows. */
export async function readFlag({ drivers: { flag }, clock }: Execution): Promise<FlagReading | null> {
  const bounds = { timeoutMs: flag.timeoutMs, retries: flag.retries, deadline: clock.now() + READ_MS };
  const { value, error } = await attempt((signal) => flag.get(signal), bounds, clock);
  if (error !== undefined) throw error;
  return value ?? null;
}

function assertUntouched(db: Db, plan: Plan, after: number): void {
  if (readLease(db).token === after) return;
  const last = lastOperation(db);
  if (!last || last.token === after) throw overtaken(plan, 'another operation has begun');
  const { from, to } = last.plan;
  const change = `${formatRatio(from.ratio)} → ${formatRatio(to.ratio)}`;
  throw overtaken(plan, `the ${last.kind} ${last.id} by ${last.actor}: ${change}`);
}

/** Who changed the flag since it was left so, or null when nobody did. */
export function whoChangedFlag(left: Left, now: FlagReading | null): string | null {
  const says = `the flag says ${formatRatio(now?.ratio ?? 0)}`;
  if (now?.operation && now.operation !== left.operation) {
    return `the ${now.kind ?? 'operation'} ${now.operation} has set it: ${says}`;
  }
  if (now && now.token > 0 && now.token !== left.token) return `another operation has set it: ${says}`;
  if (sameRatio(now?.ratio ?? 0, left.ratio)) return null;
  if (now === null) return 'the flag was removed';
  const who =
    now.operation || now.token > 0 ? 'by hand' : 'by somebody else (its store does not keep by whom)';
  return `it was set ${who}: ${says}`;
}

/** All rungs as one change: from where the first began to where the last has come, and back again. */
export function wholeReport(plans: readonly Plan[], reports: readonly OperationReport[]): OperationReport {
  const [first, last] = [reports[0], reports.at(-1)];
  const plan = plans[0];
  if (!first || !last || !plan) throw new Error('a gradual rollback has at least one rung');
  const { checkpointId } = first;
  const undo = last.undo === null ? null : undoOf(plan, checkpointId);
  return { ...last, from: first.from, checkpointId, undo };
}

function overtaken(plan: Plan, what: string): CutoverError {
  const at = formatRatio(plan.from.ratio);
  return new CutoverError('OVERTAKEN', EXIT.notNow, `ended at ${at} of this rollback; since then ${what}`, {
    hint: 'see `cutover status`; nothing was lifted',
  });
}

function interrupted(plan: Plan, reason: unknown, leftMs: number): CutoverError {
  const exit = reason instanceof CutoverError ? reason.exitCode : EXIT.fault;
  const over = formatDuration(Math.max(1, Math.ceil(leftMs / 1000)) * 1000);
  return new CutoverError('INTERRUPTED', exit, `stopped at ${formatRatio(plan.from.ratio)}`, {
    hint: `to go on: \`cutover rollback --to ${plan.restores} --over ${over}\``,
  });
}
