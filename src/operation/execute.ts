import { CutoverError, EXIT } from '../errors.ts';
import type { FlagDriver } from '../flag/driver.ts';
import { sameRatio, sameWorld, type World } from '../world.ts';
import { endByConfig } from './by-config.ts';
import type { Journal, StepEnd } from './journal.ts';
import { overCommands, overWrites } from './late-writes.ts';
import { overtakenBy } from './overtaken.ts';
import { type Plan, type PlannedStep, tellable, undoOf } from './plan.ts';
import { putBack } from './put-back.ts';
import { isBackward, type OperationRecord, type StepOutcome, type StepRecord } from './record.ts';
import type { StepContext } from './step-run.ts';
import { type Drivers, flagsOf, runStep, timeoutOf, undoRecords } from './steps.ts';
import { tellHook } from './tell.ts';
import { tellStep } from './tell-step.ts';
import { flagReadings, type Standing, type Word, wordOf, wordOfAbandoned } from './word.ts';

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
  /** Of a flag: its store was asked, and gave no answer. */
  unanswered?: true;
}

/** What an operation came to. */
export interface OperationReport {
  id: string;
  kind: Plan['kind'];
  outcome: 'done' | 'partial' | 'failed';
  from: World;
  to: World;
  /** Where it was to lead: where `to` is, unless its flag could not be set. */
  asked: World;
  steps: StepReport[];
  checkpointId: number | null;
  /** The ratio that the flag said before its step and after; null where there was none, or nobody knows. */
  flag: { before: number | null; after: number | null };
  /** The command that undoes it, or null when there is nothing to go back to. */
  undo: string | null;
  /** Whether `resume` has something to do. */
  open: boolean;
  /** Of a forward step whose flag may have been changed or not: what it says now, where it can be read; null: no flag. */
  unknown?: { reads?: number | null };
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
  /** Records that somebody else has changed are overwritten, whatever the plan says. */
  overwriteDns?: boolean | undefined;
  /** No journal could be read: what DNS steps write by the config is not the end of it. */
  journalUnread?: boolean | undefined;
  /** First Ctrl-C: no further step begins. An emergency does not listen to it. */
  signal: AbortSignal;
  onStep(step: StepReport): void;
  /**
   * What another operation has asked for is waited for.
   * @param label the hook or flag that it was asked of
   * @param ms how long at most
   */
  onWait(label: string, ms: number): void;
}

/** Everything an operation may take, all tries of all hooks together. */
const OPERATION_DEADLINE_MS = 5 * 60_000;

/** The steps that an operation still has to run. */
export function stepsLeft({ steps }: Pick<OperationRecord, 'steps'>): StepRecord[] {
  const trafficLeft = steps.some(({ kind, outcome }) => kind !== 'notify' && outcome !== 'done');
  // Who was told that it had failed is told how it ended.
  return steps.filter(({ kind, outcome }) => outcome !== 'done' || (kind === 'notify' && trafficLeft));
}

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
  const left = stepsLeft(operation);
  for (const step of operation.steps) {
    if (left.includes(step)) continue;
    ends.set(step.position, { ...step, outcome: 'done', ms: step.ms ?? 0, attempts: step.attempts });
  }
  const deadline = execution.clock.now() + OPERATION_DEADLINE_MS;
  const context = (position: number): StepContext => ({
    migration: execution.migration,
    operation,
    actor: execution.actor,
    plan,
    earlier: reports(plan, ends),
    undo: undoOf(plan, operation.checkpointId) ?? '',
    deadline,
    clock: execution.clock,
    redact: execution.redact,
    found: operation.steps[position],
    overwriteDns: execution.overwriteDns,
    onTry: () => journal.stepTries(position),
    onIntent: (before, after) => journal.stepIntends(position, before, after),
  });
  const telling = { clock: execution.clock, redact: execution.redact, deadline };
  const word = (known: ReadonlyMap<number, StepEnd> = ends): Word =>
    wordOf(standing(execution, operation, known));
  const runOne = async (position: number) => {
    const step = plan.steps[position] as PlannedStep;
    journal.stepBegins(position, timeoutOf(execution.drivers, step));
    const ran =
      step.kind === 'notify'
        ? await tellStep(journal.outbox, execution.drivers.notify, step, operation.id, {
            ...telling,
            ...(plan.kind === 'emergency' ? { first: operation.id } : {}),
          })
        : await overCommands(journal, execution, position, () =>
            overWrites(journal, execution, position, (earlier) => {
              const own = context(position);
              return runStep(
                execution.drivers,
                position,
                earlier ? { ...own, found: earlier, again: true } : own,
              );
            }),
          );
    const end = execution.journalUnread ? endByConfig(step, ran) : ran;
    const known = new Map(ends).set(position, end);
    await yieldingTraffic(journal, execution, {
      step,
      record: () =>
        journal.stepEnds(position, end, trafficEnds(plan, position, known) ? word(known) : undefined),
      undoRecords: () => undoRecords(execution.drivers, position, context(position), end),
    });
    ends.set(position, end);
    execution.onStep(report(step, end));
    return end;
  };
  let early: Promise<unknown> | undefined;
  try {
    for (const phase of phases(plan, ends)) {
      if (execution.signal.aborted && plan.kind !== 'emergency') throw interrupted(operation.id);
      const kind = plan.steps[phase[0] ?? 0]?.kind;
      if (kind === 'dns' && plan.kind === 'emergency')
        early = tellEarly(journal, execution, word(), deadline);
      if (kind === 'notify') {
        await early;
        journal.says(word());
      }
      const [first] = await Promise.all(phase.map(runOne));
      const flagFailed = kind === 'flag' && first?.outcome === 'failed';
      if (flagFailed && !isBackward(plan.kind)) {
        return await abandon(journal, execution, ends, runOne);
      }
    }
    return conclude(journal, ends);
  } catch (error) {
    if (!(error instanceof CutoverError) || !['FENCED', 'DNS_OVERTAKEN'].includes(error.code)) throw error;
    throw await overtakenBy(operation, flagsOf(execution.drivers), journal.find, error);
  } finally {
    await early;
    journal.close();
  }
}

function standing(
  execution: Execution,
  operation: OperationRecord,
  ends: ReadonlyMap<number, StepEnd>,
): Standing {
  const { migration, actor, clock } = execution;
  return { migration, operation: { ...operation, actor }, ends, now: clock.now() };
}

/** Whether the step at `position` is the last of those that move traffic: then all is known that is told. */
function trafficEnds(plan: Plan, position: number, ends: ReadonlyMap<number, StepEnd>): boolean {
  if (plan.steps[position]?.kind === 'notify') return false;
  const gone = plan.steps.every(({ kind }, i) => kind === 'notify' || ends.has(i));
  const abandons =
    !isBackward(plan.kind) &&
    plan.steps[position]?.kind === 'flag' &&
    ends.get(position)?.outcome === 'failed';
  return gone && !abandons;
}

/** Of an emergency people are told before DNS has ended, and once more then: a server that hangs keeps nobody waiting. */
async function tellEarly(
  journal: Journal,
  { drivers, clock, redact }: Execution,
  word: Word,
  deadline: number,
): Promise<void> {
  const { id, plan } = journal.operation;
  const hooks = tellable(plan, drivers.notify);
  try {
    journal.says(word);
    const telling = { clock, redact, deadline, first: id, only: true } as const;
    await Promise.all(hooks.map((hook) => tellHook(journal.outbox, hook, telling)));
  } catch (error) {
    // They are told again when DNS has ended, and then it counts.
    void error;
  }
}

/**
 * The positions still to run, grouped: one at a time, but those who are told together, and in an emergency all of a
 * kind, so that one that hangs does not keep the others waiting.
 */
function phases(plan: Plan, ends: Map<number, StepEnd>): number[][] {
  const left = plan.steps.map((_, position) => position).filter((position) => !ends.has(position));
  const of = (kind: PlannedStep['kind']) => left.filter((position) => plan.steps[position]?.kind === kind);
  const traffic = [of('flag'), of('dns')];
  const groups = plan.kind === 'emergency' ? traffic : traffic.flat().map((position) => [position]);
  return [...groups, of('notify')].filter((group) => group.length > 0);
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
 * Runs `record` after a step. If another operation has taken over while the flag was being set, the flag may say what
 * the loser wrote: it is made to say what the winner wants before anybody is told that the loser has stopped. A store
 * that fences has refused the loser already. Records that the loser has moved to target are put back.
 * @throws CutoverError FENCED (75)
 */
async function yieldingTraffic(
  journal: Journal,
  execution: Execution,
  { step, record, undoRecords }: { step: PlannedStep; record(): void; undoRecords(): Promise<void> },
): Promise<void> {
  const { flag } = execution.drivers;
  const { plan } = journal.operation;
  const mine = step.kind === 'flag' && !flag.fences && plan.kind !== 'emergency';
  if (mine) await giveWay(journal, flag);
  try {
    record();
  } catch (error) {
    if (!(error instanceof CutoverError) || error.code !== 'FENCED') throw error;
    if (mine) await giveWay(journal, flag);
    if (step.kind === 'dns' && plan.to.activeProvider === 'target') await undoRecords();
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
  runOne: (position: number) => Promise<StepEnd>,
): Promise<OperationReport> {
  const { plan } = journal.operation;
  const failed = plan.steps.findIndex(({ kind }) => kind === 'flag');
  const { restored, reads } = await putBack(journal, execution.drivers.flag, ends.get(failed));
  plan.steps.forEach(({ kind }, position) => {
    if (ends.has(position) || kind === 'notify') return;
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
  journal.says(wordOfAbandoned(standing(execution, journal.operation, ends), restored));
  const untold = plan.steps.flatMap(({ kind }, i) =>
    kind === 'notify' && ends.get(i)?.outcome !== 'done' ? [i] : [],
  );
  await Promise.all(untold.map(runOne));
  journal.finish({ outcome: 'failed', applied: false, open: !restored });
  const report = reportOf(journal, ends, 'failed', { applied: false, open: !restored });
  return restored ? report : { ...report, unknown: { ...(reads === undefined ? {} : { reads }) } };
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
    asked: plan.to,
    steps: plan.steps.flatMap((step, position) => {
      const end = ends.get(position);
      return end ? [report(step, end)] : [];
    }),
    checkpointId: operation.checkpointId,
    flag: flagReadings(plan, ends),
    undo:
      state.applied &&
      operation.checkpointId !== null &&
      (plan.mends === 'dns' || !sameWorld(plan.from, plan.to))
        ? undoOf(plan, operation.checkpointId)
        : null,
    open: state.open,
    kept,
    sideFile,
  };
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
    ...(step.kind === 'flag' && end.outcome === 'failed' && end.unanswered ? { unanswered: true } : {}),
  };
}

function reports(plan: Plan, ends: Map<number, StepEnd>): StepContext['earlier'] {
  return plan.steps.flatMap(({ kind, driver, label }, position) => {
    const end = ends.get(position);
    return end ? [{ kind, driver, label, outcome: end.outcome, error: end.error }] : [];
  });
}

function interrupted(id: string): CutoverError {
  return new CutoverError('INTERRUPTED', EXIT.interrupted, `stopped before the next step of ${id}`, {
    hint: '`cutover resume` finishes it, `cutover rollback` undoes it',
  });
}
