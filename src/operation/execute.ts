import { CutoverError, EXIT } from '../errors.ts';
import type { FlagDriver } from '../flag/driver.ts';
import { sameWorld, type World } from '../world.ts';
import type { Journal, StepEnd } from './journal.ts';
import { overtakenBy } from './overtaken.ts';
import type { Plan, PlannedStep } from './plan.ts';
import { isBackward, type StepOutcome } from './record.ts';
import { type Rival, rivalCommands } from './rivals.ts';
import { type Drivers, flagsOf, runStep, type StepContext, sameRatio } from './steps.ts';

/** What a step came to, as output shows it. */
export interface StepReport {
  kind: PlannedStep['kind'];
  driver: string;
  label: string;
  outcome: StepOutcome;
  attempts: number;
  ms: number;
  error?: string;
  /** Of an error that has them: its stable code, and how to mend it. */
  code?: string;
  hint?: string;
  /** What the user should know beside the outcome. */
  notes?: string[];
}

/** What an operation came to. */
export interface OperationReport {
  id: string;
  kind: Plan['kind'];
  outcome: 'done' | 'partial' | 'failed';
  from: World;
  to: World;
  steps: StepReport[];
  checkpointId: number | null;
  /** The ratio that the flag said before its step and after; null where there was none, or nobody knows. */
  flag: { before: number | null; after: number | null };
  /** The command that undoes it, or null when there is nothing to go back to. */
  undo: string | null;
  /** Whether `resume` has something to do. */
  open: boolean;
  /** Where its journal is: an emergency may find no place at all. */
  kept: Journal['kept'];
  /** File that holds the journal of an emergency when the database could not. */
  sideFile: string | null;
}

export interface Execution {
  migration: string;
  actor: string;
  drivers: Drivers;
  clock: StepContext['clock'];
  redact(text: string): string;
  /** First Ctrl-C: no further step begins. An emergency does not listen to it. */
  signal: AbortSignal;
  onStep(step: StepReport): void;
}

/** Everything an operation may take, all tries of all hooks together. */
const OPERATION_DEADLINE_MS = 5 * 60_000;
const LOOK_MS = 100;

/**
 * Runs the steps of a journaled operation that are not done yet, in order: the one way the world is changed.
 * Traffic steps (flag, then DNS) come first, then those who are told. A forward operation whose flag cannot be
 * set stops and puts the flag back; a backward one goes on whatever fails.
 * @throws CutoverError FENCED (75), INTERRUPTED (130), and the journal's own; the journal then knows where it stood.
 */
export async function execute(journal: Journal, execution: Execution): Promise<OperationReport> {
  const { operation } = journal;
  const { plan } = operation;
  const ends = new Map<number, StepEnd>();
  for (const step of operation.steps) {
    if (step.outcome !== 'done') continue;
    ends.set(step.position, { ...step, outcome: 'done', ms: step.ms ?? 0, attempts: step.attempts });
  }
  const deadline = execution.clock.now() + OPERATION_DEADLINE_MS;
  const context = (): StepContext => ({
    migration: execution.migration,
    operation,
    actor: execution.actor,
    plan,
    earlier: reports(plan, ends),
    undo: undoOf(plan, operation.checkpointId),
    deadline,
    clock: execution.clock,
    redact: execution.redact,
  });
  const runOne = async (position: number) => {
    journal.stepBegins(position);
    const end = await overCommands(journal, execution, position, () =>
      runStep(execution.drivers, position, context()),
    );
    await yieldingFlag(journal, execution, plan.steps[position] as PlannedStep, () =>
      journal.stepEnds(position, end),
    );
    ends.set(position, end);
    execution.onStep(report(plan.steps[position] as PlannedStep, end));
    return end;
  };
  try {
    for (const phase of phases(plan, ends)) {
      if (execution.signal.aborted && plan.kind !== 'emergency') throw interrupted(operation.id);
      const [first] = await Promise.all(phase.map(runOne));
      const flagFailed = plan.steps[phase[0] ?? 0]?.kind === 'flag' && first?.outcome === 'failed';
      if (flagFailed && !isBackward(plan.kind)) {
        return await abandon(journal, execution, ends);
      }
    }
    return conclude(journal, ends);
  } catch (error) {
    if (!(error instanceof CutoverError) || error.code !== 'FENCED') throw error;
    throw await overtakenBy(operation, flagsOf(execution.drivers), journal.find, error);
  } finally {
    journal.close();
  }
}

/**
 * The positions still to run, grouped: one at a time, but the hooks of an emergency of one kind together, so
 * that one that hangs does not keep the others waiting.
 */
function phases(plan: Plan, ends: Map<number, StepEnd>): number[][] {
  const left = plan.steps.map((_, position) => position).filter((position) => !ends.has(position));
  if (plan.kind !== 'emergency') return left.map((position) => [position]);
  return (['flag', 'dns', 'notify'] as const)
    .map((kind) => left.filter((position) => plan.steps[position]?.kind === kind))
    .filter((group) => group.length > 0);
}

function conclude(journal: Journal, ends: Map<number, StepEnd>): OperationReport {
  const { plan } = journal.operation;
  const failed = plan.steps.filter((_, position) => ends.get(position)?.outcome !== 'done');
  const outcome = failed.some(({ kind }) => kind === 'flag')
    ? 'failed'
    : failed.length > 0
      ? 'partial'
      : 'done';
  journal.finish({ outcome, applied: true, open: failed.length > 0 });
  return reportOf(journal, ends, outcome, { applied: true, open: failed.length > 0 });
}

/**
 * Runs a step. A command that a killed process has left at the flag may still change it where the store fences
 * nobody: it is waited for, and then the flag is set once more. An emergency does this in its own way.
 */
async function overCommands(
  journal: Journal,
  { drivers, clock }: Execution,
  position: number,
  run: () => Promise<StepEnd>,
): Promise<StepEnd> {
  const { flag } = drivers;
  const { id, plan } = journal.operation;
  const exposed = plan.steps[position]?.kind === 'flag' && !flag.fences && plan.kind !== 'emergency';
  const end = await run();
  if (!exposed || rivalCommands(flag, id).length === 0) return end;
  const deadline = clock.now() + flag.timeoutMs;
  for (let left = rivalCommands(flag, id); left.length > 0; left = rivalCommands(flag, id)) {
    if (clock.now() >= deadline) return { ...end, notes: [...(end.notes ?? []), ...left.map(mayWrite)] };
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  // The command may have been that of an operation that has taken over: then its word stands.
  if (journal.winner()) return end;
  const again = await run();
  return { ...again, before: end.before, attempts: end.attempts + again.attempts };
}

const mayWrite = (rival: Rival): string => `${rival} may still write the flag`;

/**
 * Runs `record` after a step. If another operation has taken over while the flag was being set, the flag may say what
 * the loser wrote: it is made to say what the winner wants before anybody is told that the loser has stopped. A store
 * that fences has refused the loser already.
 * @throws CutoverError FENCED (75)
 */
async function yieldingFlag(
  journal: Journal,
  execution: Execution,
  step: PlannedStep,
  record: () => void,
): Promise<void> {
  const { flag } = execution.drivers;
  const mine = step.kind === 'flag' && !flag.fences && journal.operation.plan.kind !== 'emergency';
  if (mine) await giveWay(journal, flag);
  try {
    record();
  } catch (error) {
    if (mine && error instanceof CutoverError && error.code === 'FENCED') await giveWay(journal, flag);
    throw error;
  }
}

/** Of operations that take over from one another the last one counts. */
async function giveWay(journal: Journal, flag: FlagDriver): Promise<void> {
  for (
    let winner = journal.winner(), before = 0;
    winner && winner.token !== before;
    winner = journal.winner()
  ) {
    before = winner.token;
    const signal = AbortSignal.timeout(flag.timeoutMs);
    const now = await flag.get(signal);
    if (!sameRatio(now?.ratio ?? 0, winner.ratio)) await flag.set(winner, signal);
  }
}

/** A forward step whose flag could not be set: put it back, and say whether traffic is certainly where it was. */
async function abandon(
  journal: Journal,
  execution: Execution,
  ends: Map<number, StepEnd>,
): Promise<OperationReport> {
  const { plan } = journal.operation;
  const { flag } = execution.drivers;
  const signal = AbortSignal.timeout(flag.timeoutMs);
  let restored = false;
  try {
    journal.guard();
    const now = await flag.get(signal);
    if ((now?.ratio ?? 0) !== plan.from.ratio) {
      await flag.set(
        {
          ratio: plan.from.ratio,
          token: journal.operation.token,
          operation: journal.operation.id,
          kind: plan.kind,
        },
        signal,
      );
    }
    restored = ((await flag.get(signal))?.ratio ?? 0) === plan.from.ratio;
  } catch (error) {
    // Unknown is not restored: the operation stays open, and the step's own error tells why.
    if (error instanceof CutoverError && error.code === 'FENCED') throw error;
  }
  plan.steps.forEach((_, position) => {
    if (ends.has(position)) return;
    const skipped: StepEnd = {
      outcome: 'skipped',
      attempts: 0,
      ms: 0,
      before: null,
      after: null,
      error: null,
    };
    if (restored) journal.stepEnds(position, skipped);
    ends.set(position, skipped);
  });
  journal.finish({ outcome: 'failed', applied: false, open: !restored });
  return reportOf(journal, ends, 'failed', { applied: false, open: !restored });
}

function reportOf(
  journal: Journal,
  ends: Map<number, StepEnd>,
  outcome: OperationReport['outcome'],
  state: { applied: boolean; open: boolean },
): OperationReport {
  const { operation, kept, sideFile } = journal;
  const { plan } = operation;
  return {
    id: operation.id,
    kind: plan.kind,
    outcome,
    from: plan.from,
    to: state.applied ? plan.to : plan.from,
    steps: plan.steps.flatMap((step, position) => {
      const end = ends.get(position);
      return end ? [report(step, end)] : [];
    }),
    checkpointId: operation.checkpointId,
    flag: flagReadings(plan, ends),
    undo:
      state.applied && operation.checkpointId !== null && !sameWorld(plan.from, plan.to)
        ? undoOf(plan, operation.checkpointId)
        : null,
    open: state.open,
    kept,
    sideFile,
  };
}

function flagReadings(plan: Plan, ends: Map<number, StepEnd>): OperationReport['flag'] {
  const end = ends.get(plan.steps.findIndex(({ kind }) => kind === 'flag'));
  return { before: ratioIn(end?.before), after: ratioIn(end?.after) };
}

/** The ratio of a reading as the journal keeps it. */
function ratioIn(reading: unknown): number | null {
  if (typeof reading !== 'object' || reading === null || !('ratio' in reading)) return null;
  return typeof reading.ratio === 'number' ? reading.ratio : null;
}

function report(step: PlannedStep, end: StepEnd): StepReport {
  return {
    kind: step.kind,
    driver: step.driver,
    label: step.label,
    outcome: end.outcome,
    attempts: end.attempts,
    ms: end.ms,
    ...(end.error === null ? {} : { error: end.error }),
    ...(end.code === undefined ? {} : { code: end.code }),
    ...(end.hint === undefined ? {} : { hint: end.hint }),
    ...(end.notes === undefined ? {} : { notes: end.notes }),
  };
}

function reports(plan: Plan, ends: Map<number, StepEnd>): StepContext['earlier'] {
  return plan.steps.flatMap(({ kind, driver, label }, position) => {
    const end = ends.get(position);
    return end ? [{ kind, driver, label, outcome: end.outcome, error: end.error }] : [];
  });
}

/** The command that leads back. One that would send traffic to target again has to be forced. */
export function undoOf(plan: Plan, checkpointId: number | null): string {
  const back = `cutover rollback --to ${checkpointId ?? 'N'}`;
  return plan.from.ratio > plan.to.ratio ? `${back} --force --reason "…"` : back;
}

function interrupted(id: string): CutoverError {
  return new CutoverError('INTERRUPTED', EXIT.interrupted, `stopped before the next step of ${id}`, {
    hint: '`cutover resume` finishes it, `cutover rollback` undoes it',
  });
}
