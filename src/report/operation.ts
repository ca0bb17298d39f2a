import { safe } from '../clean.ts';
import { formatRatio } from '../config/units.ts';
import type { OperationReport, StepReport } from '../operation/execute.ts';
import { commandOf, type Plan } from '../operation/plan.ts';
import { describeChange, sameWorld } from '../world.ts';
import type { Style } from './style.ts';
import { alignColumns, fitLine, wrapText } from './text.ts';

/** Plans and outcomes are made for a terminal of this many columns. */
const WIDTH = 80;

/** The plan as `--dry-run` prints it and as it stands above the question. */
export function renderPlan(plan: Plan, migration: string, style: Style): string {
  const title = `${migration}: ${commandOf(plan)}: ${describeChange(plan.from, plan.to)}`;
  const lines = [style.bold(wrapText(title, WIDTH))];
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
      ).map((line) => fitLine(line, WIDTH)),
    );
  }
  lines.push(
    ...alignColumns(
      plan.steps.map((step, index) => [
        String(index + 1),
        step.kind,
        safe(step.label),
        stepAim(step.kind, plan),
      ]),
    ),
  );
  return lines.join('\n');
}

function stepAim(kind: StepReport['kind'], plan: Plan): string {
  if (kind === 'flag') return `set to ${formatRatio(plan.to.ratio)} and read back`;
  return kind === 'dns' ? `point to ${plan.to.activeProvider}` : 'tell what was done';
}

/** One finished step, as it appears while an operation runs. */
export function renderStep(step: StepReport, style: Style): string {
  const mark =
    step.outcome === 'done'
      ? style.green('done')
      : step.outcome === 'failed'
        ? style.red('failed')
        : step.outcome;
  const tries = step.attempts > 1 ? `, ${step.attempts} tries` : '';
  const why = [step.error, step.hint, ...(step.notes ?? [])]
    .map((text) => (text ? `\n      ${wrapText(safe(text), WIDTH - 6, 6)}` : ''))
    .join('');
  const padding = ' '.repeat(Math.max(0, 6 - step.outcome.length));
  const name = `${step.kind.padEnd(6)}  ${safe(step.label).padEnd(28)}`;
  return `  ${mark}${padding}  ${name}  ${String(Math.round(step.ms)).padStart(5)} ms${tries}${why}`;
}

/** What an operation came to: old → new, what failed, and the command that undoes it. */
export function renderOutcome(report: OperationReport, migration: string, style: Style): string {
  const lines: string[] = [];
  const failed = report.steps.filter(({ outcome }) => outcome === 'failed');
  if (report.outcome === 'done') {
    lines.push(style.green(wrapText(`${migration}: ${changeOf(report)}`, WIDTH)));
  } else if (report.outcome === 'partial') {
    lines.push(
      style.yellow(wrapText(`${migration}: ${changeOf(report)}; but ${countFailed(failed)}`, WIDTH)),
    );
  } else {
    lines.push(
      style.red(
        `${migration}: the flag could not be set to ${formatRatio(report.kind === 'emergency' ? 0 : report.to.ratio)}`,
      ),
    );
    if (!report.open) lines.push('  nothing was changed');
  }
  if (report.open) {
    const what = failed.map((step) => safe(step.label)).join(', ');
    lines.push(`  ${'to try again'.padEnd(12)}  cutover resume${what ? `   (${what})` : ''}`);
  }
  if (report.undo) lines.push(`  ${'to undo'.padEnd(12)}  ${report.undo}`);
  if (report.sideFile) {
    lines.push(`  journaled in ${safe(report.sideFile)}; the next command takes it into the database`);
  }
  return lines.join('\n');
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
    checkpoint: report.checkpointId,
    steps: report.steps,
    flag: report.flag,
    undo: report.undo,
    ...(report.sideFile === null ? {} : { sideFile: report.sideFile }),
  };
}

/** The JSON document of `--dry-run`: the plan itself. */
export function planDocument(command: string, plan: Plan): Record<string, unknown> {
  return { schemaVersion: 1, command, dryRun: true, plan };
}
