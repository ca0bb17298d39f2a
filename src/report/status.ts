import { safe } from '../clean.ts';
import { formatRatio } from '../config/units.ts';
import type { Lease } from '../operation/lease.ts';
import type { Gate } from '../operation/plan.ts';
import type { OperationRecord } from '../operation/record.ts';
import type { Eligibility } from '../rollback/plan.ts';
import type { Next } from '../shift/next.ts';
import type { Checkpoint } from '../store/checkpoints.ts';
import type { Freeze } from '../store/freeze.ts';
import type { Stage } from '../store/state.ts';
import type { DnsReading, Side, Status } from '../world.ts';
import type { Style } from './style.ts';
import { alignColumns, fitLine, formatAge, formatTime } from './text.ts';

/** One place where the world is not what the state says, and the command that mends it. */
export interface Drift {
  what: string;
  state: number | string;
  actual: number | string | null;
  mend: string;
}

/** Everything `status` knows. */
export interface StatusView {
  migration: string;
  status: Status;
  ratio: number;
  activeProvider: Side;
  stage: Stage | null;
  gates: Gate[];
  flag: { driver: string; ratio: number | null; error?: string };
  drift: Drift[];
  /** What the servers of DNS hooks that can be read say. */
  dns: DnsReading[];
  freeze: Freeze | null;
  unfinished: OperationRecord | null;
  lastCheckpoint: Checkpoint | null;
  rollback: Eligibility;
  lease: Lease | null;
  next: Next;
}

/** The `status` JSON document. Times are ISO 8601. */
export function statusDocument(view: StatusView): Record<string, unknown> {
  const { stage, unfinished, lastCheckpoint, lease, freeze, ...rest } = view;
  const iso = (ms: number) => new Date(ms).toISOString();
  return {
    schemaVersion: 1,
    command: 'status',
    ...rest,
    stage: stage && { ratio: stage.ratio, since: iso(stage.since) },
    unfinished: unfinished && {
      id: unfinished.id,
      kind: unfinished.kind,
      outcome: unfinished.outcome,
      from: unfinished.plan.from,
      to: unfinished.plan.to,
      startedAt: iso(unfinished.startedAt),
      actor: unfinished.actor,
      steps: unfinished.steps,
    },
    lastCheckpoint: lastCheckpoint && {
      id: lastCheckpoint.id,
      at: iso(lastCheckpoint.at),
      reason: lastCheckpoint.reason,
    },
    freeze: freeze && {
      ...freeze,
      since: iso(freeze.since),
      until: freeze.until === null ? null : iso(freeze.until),
    },
    lease: lease && {
      operation: lease.operationId,
      actor: lease.actor,
      host: lease.host,
      pid: lease.pid,
      since: iso(lease.acquiredAt),
      heartbeat: iso(lease.heartbeatAt),
    },
  };
}

/** @param columns width to keep to; Infinity when the output is no terminal */
export function renderStatus(view: StatusView, now: number, style: Style, columns: number): string {
  const flag = view.flag.error
    ? style.red(`cannot be read: ${safe(view.flag.error)}`)
    : view.flag.ratio === null
      ? 'not there yet: every request goes to legacy'
      : `${formatRatio(view.flag.ratio)}  (${safe(view.flag.driver)})`;
  const rows: string[][] = [
    ['migration', style.bold(view.migration)],
    ['status', view.status],
    ['ratio', `${formatRatio(view.ratio)} to target`],
    ['active', view.activeProvider],
    ['flag', flag],
  ];
  if (view.stage && view.status !== 'idle')
    rows.push(['stage', `since ${formatAge(now - view.stage.since)}`.replace(' ago', '')]);
  for (const gate of view.gates.filter(({ name }) => name !== 'drift')) {
    rows.push([gate.name, `${gate.ok ? style.green('ok') : style.yellow('not yet')}  ${safe(gate.detail)}`]);
  }
  for (const { label, error } of view.dns) {
    if (error) rows.push(['dns', style.red(`${safe(label)} cannot be read: ${safe(error)}`)]);
  }
  if (view.freeze) {
    const until = view.freeze.until === null ? '' : ` until ${formatTime(view.freeze.until)}`;
    rows.push(['frozen', style.yellow(`by ${safe(view.freeze.actor)}${until}: ${safe(view.freeze.reason)}`)]);
  }
  for (const drift of view.drift) {
    rows.push([
      'drift',
      style.red(`${safe(drift.what)}: the state says ${show(drift.state)}, it says ${show(drift.actual)}`),
    ]);
    rows.push(['', `mend it: ${drift.mend}`]);
  }
  if (view.unfinished) rows.push(...unfinishedRows(view.unfinished, now, style));
  if (view.lease) {
    const { actor, pid, host, acquiredAt } = view.lease;
    rows.push([
      'lease',
      `${safe(actor)}, process ${pid} on ${safe(host)}, since ${formatAge(now - acquiredAt)}`,
    ]);
  }
  const checkpoint = view.lastCheckpoint;
  rows.push([
    'checkpoint',
    checkpoint
      ? `${checkpoint.id}, ${formatAge(now - checkpoint.at)}: ${safe(checkpoint.reason)}`
      : 'none yet',
  ]);
  rows.push([
    'rollback',
    view.rollback.eligible ? `to checkpoint ${view.rollback.to}` : `not possible: ${view.rollback.why}`,
  ]);
  rows.push(['next', `${style.bold(view.next.command)}  ${safe(view.next.why)}`]);
  return alignColumns(rows, 0)
    .map((line) => fitLine(line, columns))
    .join('\n');
}

function unfinishedRows(operation: OperationRecord, now: number, style: Style): string[][] {
  const aim = `${formatRatio(operation.plan.from.ratio)} → ${formatRatio(operation.plan.to.ratio)}`;
  const rows = [
    [
      'unfinished',
      style.yellow(`${operation.kind} ${operation.id}, ${aim}, ${formatAge(now - operation.startedAt)}`),
    ],
  ];
  for (const step of operation.steps) {
    const what = step.outcome === 'running' ? 'was running' : step.outcome;
    rows.push(['', `${what}  ${step.kind} ${safe(step.label)}${step.error ? `: ${safe(step.error)}` : ''}`]);
  }
  return rows;
}

const show = (value: number | string | null) =>
  value === null ? 'nothing' : typeof value === 'number' ? formatRatio(value) : safe(value);
