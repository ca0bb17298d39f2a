import { failedGuardrails } from '../canary/table.ts';
import { safe } from '../clean.ts';
import { formatDuration, formatRatio } from '../config/units.ts';
import { commandOf } from '../operation/plan.ts';
import type { OperationRecord } from '../operation/record.ts';
import type { Facts, Judged } from '../situation/facts.ts';
import { type Situation, wayDown } from '../situation/situation.ts';
import type { Checkpoint } from '../store/checkpoints.ts';
import type { Message } from '../store/messages.ts';
import { describeChange } from '../world.ts';
import { renderLadder } from './ladder.ts';
import { foldText, type Row, renderRows } from './rows.ts';
import type { Style } from './style.ts';
import { formatAge, formatTime } from './text.ts';
import { untoldRows } from './untold.ts';

/** Everything `status` knows. */
export interface StatusView {
  migration: string;
  facts: Facts;
  situation: Situation;
  lastCheckpoint: Checkpoint | null;
  /** Messages that wait to be sent, oldest first. */
  waiting: readonly Message[];
}

/**
 * The situation's face: whether it is safe, where the migration stands, what happened last, what comes next.
 * @param columns width to keep to; Infinity when the output is no terminal
 */
export function renderStatus(view: StatusView, style: Style, columns: number): string {
  const { migration, situation } = view;
  const paint =
    situation.name === 'running' ? style.yellow : situation.unsafe === null ? style.green : style.red;
  const headline = foldText(`${migration}  ${safe(situation.headline)}`, columns - 2)
    .map((line, i) => paint(i === 0 ? line : `  ${line}`))
    .join('\n');
  const rows = [
    ...whereRows(view),
    ...evidenceRows(view),
    ...failRows(view, style),
    ...eventRows(view, style),
    ...untoldRows(view.waiting, view.facts.now, style),
    ...wayRows(view, style),
  ];
  return `${headline}\n${renderRows(rows, columns)}`;
}

function whereRows({ facts, situation }: StatusView): Row[] {
  const { state, flag, flagLabel, limits, now, ladder } = facts;
  const says = {
    read: () => (flag.is === 'read' ? `${formatRatio(flag.ratio)}  (${safe(flagLabel)})` : ''),
    absent: () => `none  (${safe(flagLabel)})`,
    unreadable: () => `cannot be read  (${safe(flagLabel)})`,
    'not asked': () => '',
  };
  const { stage } = state;
  const bakes = limits.bake > 0 && situation.gates.some(({ name }) => name === 'bake');
  const bake = bakes ? `; has to bake ${formatDuration(limits.bake)}` : '';
  return [
    { label: 'ratio', text: renderLadder(ladder, state.ratio) },
    { label: 'status', text: `${state.status}, active provider ${state.activeProvider}` },
    { label: 'flag', text: says[flag.is]() },
    ...(stage && state.status !== 'idle'
      ? [{ label: 'stage', text: `${age(now - stage.since)} at ${formatRatio(stage.ratio)}${bake}` }]
      : []),
  ];
}

function evidenceRows({ facts, situation }: StatusView): Row[] {
  const gate = situation.gates.find(({ name }) => name === 'verdict');
  const { run } = facts;
  if (!run) return gate ? [{ label: 'evidence', text: gate.detail }] : [];
  if (run.runId === facts.fail?.runId) return [];
  const aged = run.verdict === 'PASS' && gate && !gate.ok ? `; ${gate.detail}` : '';
  const why = run.verdict === 'PASS' ? '' : `: ${explained(run)}`;
  return [{ label: 'evidence', text: `${run.verdict}, ${figures(run, facts.now)}${why}${aged}` }];
}

function failRows({ facts: { fail, now } }: StatusView, style: Style): Row[] {
  if (!fail) return [];
  const text = `at ${formatRatio(fail.ratio)}, ${figures(fail, now)}: ${explained(fail)}`;
  return [
    { label: 'failed', text, paint: style.red },
    ...failedGuardrails(fail.document).map((line) => ({ label: '', text: line })),
  ];
}

/** `120 pairs, 3 min ago` */
function figures({ document, at }: Judged, now: number): string {
  return `${document.pairs} pair${document.pairs === 1 ? '' : 's'}, ${formatAge(now - at)}`;
}

const explained = ({ document }: Judged) => safe(document.explanations.join('; '));

function eventRows({ facts, situation }: StatusView, style: Style): Row[] {
  const { now, last, freeze, lease, dns } = facts;
  const rows: Row[] = [];
  if (last) rows.push({ label: 'last', text: lastText(last, facts) });
  if (facts.betweenRungs) {
    const { actor, plan } = facts.betweenRungs.rung;
    const text = `${wayDown(facts)}; by ${safe(actor)}${plan.reason ? `: ${safe(plan.reason)}` : ''}`;
    rows.push({ label: 'gradual', text, paint: style.yellow });
  }
  if (freeze) {
    const until = freeze.until === null ? '' : ` until ${formatTime(freeze.until)}`;
    const text = `by ${safe(freeze.actor)}${until}: ${safe(freeze.reason)}`;
    rows.push({ label: 'frozen', text, paint: style.yellow });
  }
  for (const { what, state, actual } of situation.drift) {
    const text = `${safe(what)}: the state says ${show(state)}, it says ${show(actual)}`;
    rows.push({ label: 'drift', text, paint: style.red });
  }
  for (const { label, error } of dns.readings) {
    if (error)
      rows.push({ label: 'dns', text: `${safe(label)} cannot be read: ${safe(error)}`, paint: style.red });
  }
  if (situation.left) rows.push(...leftRows(situation.left, style));
  if (lease) {
    const { actor, pid, host, acquiredAt } = lease.lease;
    const stale = {
      running: 'running',
      gone: 'stale: its process is gone',
      unknown: 'not known whether it runs',
    };
    const text = `${safe(actor)}, process ${pid} on ${safe(host)}, since ${age(now - acquiredAt)}; ${stale[lease.holder]}`;
    rows.push({ label: 'lease', text });
  }
  return rows;
}

/** `shift, 10 % → 25 %, canary → rolling, by ann@ops1, 3 min ago: done` */
function lastText(last: OperationRecord, { lease, now }: Facts): string {
  const runs = lease?.holder !== 'gone' && lease?.operation.id === last.id;
  const ended = runs ? 'running' : ENDED[last.outcome ?? 'killed'];
  const change = describeChange(last.plan.from, last.plan.to);
  return `${commandOf(last.plan)}, ${change}, by ${safe(last.actor)}, ${formatAge(now - last.startedAt)}: ${ended}`;
}

const ENDED = {
  done: 'done',
  partial: 'done, but a hook failed',
  failed: 'the flag could not be set',
  undone: 'undone',
  superseded: 'replaced by a later one',
  killed: 'ended half-way',
};

function leftRows(operation: OperationRecord, style: Style): Row[] {
  const aim = `${formatRatio(operation.plan.from.ratio)} → ${formatRatio(operation.plan.to.ratio)}`;
  return [
    {
      label: 'unfinished',
      text: `${commandOf(operation.plan)} ${operation.id}, ${aim}`,
      paint: style.yellow,
    },
    ...operation.steps.map(({ kind, label, outcome, error }) => {
      const what = outcome === 'running' ? 'was running' : outcome;
      return { label: '', text: `${what}  ${kind} ${safe(label)}${error ? `: ${safe(error)}` : ''}` };
    }),
  ];
}

function wayRows({ facts, situation, lastCheckpoint }: StatusView, style: Style): Row[] {
  const { rollback, next } = situation;
  const checkpoint = lastCheckpoint
    ? `${lastCheckpoint.id}, ${formatAge(facts.now - lastCheckpoint.at)}: ${safe(lastCheckpoint.reason)}`
    : 'none yet';
  return [
    { label: 'checkpoint', text: checkpoint },
    {
      label: 'rollback',
      text: rollback.eligible ? `to checkpoint ${rollback.to}` : `not possible: ${rollback.why}`,
    },
    ...next.flatMap(({ command, why }, position): Row[] => [
      { label: position === 0 ? 'next' : 'or', text: command, paint: style.bold },
      { label: '', text: safe(why) },
    ]),
  ];
}

const age = (ms: number) => formatAge(ms).replace(/ ago$/, '');

const show = (value: number | string | null) =>
  value === null ? 'nothing' : typeof value === 'number' ? formatRatio(value) : safe(value);
