import { safe } from '../clean.ts';
import { formatRatio } from '../config/units.ts';
import type { OperationReport, StepReport } from '../operation/execute.ts';
import { commandOf, type Plan, type PlannedStep } from '../operation/plan.ts';
import { sameRecord } from '../rollback/moved.ts';
import { describeChange, sameWorld, type World } from '../world.ts';
import { recordLines, renderRecord } from './records.ts';
import type { Style } from './style.ts';
import { alignColumns, TAKEN_IN, wrap } from './text.ts';

/** Plans and outcomes are made for this many columns, where none are given. */
const WIDTH = 80;
/** Room for `to try again` and its like. */
const LABEL = 12;

/** The plan as `--dry-run` prints it and as it stands above the question. */
export function renderPlan(plan: Plan, migration: string, style: Style, columns = WIDTH): string {
  const title = `${migration}: ${commandOf(plan)}: ${describeChange(plan.from, plan.to)}`;
  const lines = wrap(title, columns, '  ').map(style.bold);
  const { found } = plan;
  if (found !== undefined && found !== null && found !== plan.from.ratio && found !== plan.to.ratio)
    lines.push(`  the flag goes from ${formatRatio(found)} to ${formatRatio(plan.to.ratio)}`);
  if (plan.restores !== null) lines.push(`  restores checkpoint ${plan.restores}`);
  for (const id of plan.supersedes) lines.push(`  replaces the unfinished ${id}`);
  if (plan.gates.length > 0) {
    lines.push(
      ...alignColumns(
        plan.gates.map((gate) => [
          gate.ok ? style.green('ok') : plan.forced ? style.yellow('forced') : style.red('no'),
          gate.name,
          safe(gate.detail),
        ]),
        2,
        columns,
      ),
    );
  }
  return [...lines, ...renderSteps(plan, columns)].join('\n');
}

/** The steps of a plan, in the order they run, what each does to its records, and what is worth knowing. */
export function renderSteps(plan: Plan, columns = WIDTH): string[] {
  const steps = plan.steps.map((step, index) => [
    String(index + 1),
    step.kind,
    safe(step.label),
    stepAim(step, plan),
  ]);
  const records = plan.steps.flatMap((step, index) =>
    recordLines(step, plan).flatMap((line) =>
      wrap(`  ${index + 1}   ${renderRecord(line)}`, columns, '        '),
    ),
  );
  const notes = plan.notes?.flatMap((note) => wrap(`  ${safe(note)}`, columns, '    ')) ?? [];
  return [...alignColumns(steps, 2, columns), ...records, ...notes];
}

function stepAim({ kind, lowerTtl, restore, byHand }: PlannedStep, plan: Plan): string {
  if (kind === 'flag') return `set to ${formatRatio(plan.to.ratio)} and read back`;
  if (kind === 'notify') return 'tell what was done';
  if (lowerTtl !== undefined) return `lower TTLs to ${lowerTtl} s ahead of the move`;
  if (byHand) return 'seen to by hand: nothing is written';
  if (!restore) return `point to ${plan.to.activeProvider}`;
  if (restore.length === 0) return 'nothing to put back: look, write nothing';
  return restore.every(({ from, to }) => sameRecord(from, to))
    ? 'keep what is there'
    : 'put back what was moved';
}

/** One finished step, as it appears while an operation runs. */
export function renderStep(step: StepReport, style: Style, columns = WIDTH): string {
  const mark =
    step.outcome === 'done'
      ? style.green('done')
      : step.outcome === 'failed'
        ? style.red('failed')
        : step.outcome;
  const tries = step.attempts > 1 ? `, ${step.attempts} tries` : '';
  const why = [step.error, step.hint, ...(step.notes ?? [])].flatMap((text) =>
    text ? wrap(`      ${safe(text)}`, columns, '      ') : [],
  );
  const padding = ' '.repeat(Math.max(0, 6 - step.outcome.length));
  // Where there is room the times stand under one another.
  const label = columns < WIDTH ? safe(step.label) : safe(step.label).padEnd(28);
  const ms = String(Math.round(step.ms)).padStart(columns < WIDTH ? 0 : 5);
  const line = `  ${mark}${padding}  ${step.kind.padEnd(6)}  ${label}  ${ms} ms${tries}`;
  return [...wrap(line, columns, '      '), ...why].join('\n');
}

/** What an operation came to: old → new, what failed, and the command that undoes it. */
export function renderOutcome(
  report: OperationReport,
  migration: string,
  style: Style,
  columns = WIDTH,
): string {
  const failed = report.steps.filter(({ outcome }) => outcome === 'failed');
  const change = changeOf(report);
  const what = {
    done: style.green(`${migration}: ${change}`),
    partial: style.yellow(`${migration}: ${change}; but ${countFailed(failed)}`),
    failed: style.red(`${migration}: the flag could not be set to ${formatRatio(report.asked.ratio)}`),
  }[report.outcome];
  const labels = failed.map((step) => safe(step.label)).join(', ');
  const todo = [
    ...(report.open ? [['to try again', `cutover resume${labels ? `   (${labels})` : ''}`]] : []),
    ...(report.undo ? [['to undo', report.undo]] : []),
    ...(report.unknown ? [['to undo', 'cutover rollback']] : []),
    ...(report.sideFile ? [['journaled in', `${safe(report.sideFile)}; ${TAKEN_IN}`]] : []),
  ];
  return [
    ...wrap(what, columns, '  '),
    ...(report.outcome === 'failed' && !report.open ? ['  nothing was changed'] : []),
    ...(report.unknown ? wrap(`  ${unknownFlag(report)}`, columns, '  ') : []),
    ...alignColumns(
      todo.map(([label = '', text = '']) => [label.padEnd(LABEL), text]),
      2,
      columns,
    ),
  ].join('\n');
}

/** Of a flag that may have been changed or not: why that is not known, and what it says now. */
function unknownFlag({ unknown, steps }: OperationReport): string {
  const reads = unknown?.reads;
  const now =
    reads === undefined
      ? 'it cannot be read'
      : reads === null
        ? 'now there is no flag'
        : `now it says ${formatRatio(reads)}`;
  const late = steps.some(({ unanswered }) => unanswered)
    ? ': what its store was asked for may still be done'
    : '';
  return `whether the flag was changed is not known${late}; ${now}`;
}

/** What was changed; where the flag was not where the state said, both are told. */
function changeOf({ from, to, flag }: OperationReport): string {
  const { before, after } = flag;
  const change = describeChange(from, to);
  if (before === null || after === null || before === after || before === from.ratio) return change;
  const moved = `the flag went from ${formatRatio(before)} to ${formatRatio(after)}`;
  return sameWorld(from, to)
    ? `${moved}; the state says ${formatRatio(to.ratio)}, ${to.status}, as before`
    : `${change}; ${moved}`;
}

function countFailed(failed: StepReport[]): string {
  const labels = failed.map((step) => `${step.kind} ${safe(step.label)}`);
  return `${labels.join(', ')} failed`;
}

/** The JSON document of shift, rollback and resume. */
export function operationDocument(command: string, report: OperationReport): Record<string, unknown> {
  return {
    schemaVersion: 1,
    command,
    operation: { id: report.id, kind: report.kind, outcome: report.outcome, open: report.open },
    from: report.from,
    to: report.to,
    asked: report.asked,
    checkpoint: report.checkpointId,
    steps: report.steps,
    flag: report.flag,
    ...(report.unknown ? { flagUnknown: report.unknown } : {}),
    undo: report.undo,
    ...(report.sideFile === null ? {} : { sideFile: report.sideFile }),
  };
}

/** The JSON document of `--dry-run`: the plan itself. */
export function planDocument(
  command: string,
  plan: Omit<Plan, 'from'> & { from: World | null },
): Record<string, unknown> {
  return { schemaVersion: 1, command, dryRun: true, plan };
}
