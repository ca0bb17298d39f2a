import { safe } from '../clean.ts';
import { describeValues } from '../operation/dns.ts';
import type { Plan, PlannedStep } from '../operation/plan.ts';
import { isNewer, type RecordView } from '../rollback/dns-view.ts';
import { isOf, type PlannedMove, sameRecord } from '../rollback/moved.ts';
import type { DnsReading, DnsRecordSet } from '../world.ts';
import type { Style } from './style.ts';
import { wrap } from './text.ts';

/** One record of a plan: what it says, what it is to say, and what is to be known about it. */
export interface RecordLine {
  name: string;
  type: string;
  /** null: not read. */
  says: DnsRecordSet | null;
  to: DnsRecordSet;
  note: string | null;
}

/** What a DNS step of a plan does to each record, by what the servers said. */
export function recordLines(step: PlannedStep, plan: Plan): RecordLine[] {
  const reading = readingOf(step, plan.dns);
  const says = (set: DnsRecordSet) => reading?.records?.find(isOf(set)) ?? null;
  const moves = step.restore ?? step.wants?.map((to) => ({ from: null, to })) ?? [];
  return moves.map((move) => {
    const { name, type } = move.to;
    const now = says(move.to);
    return { name, type, says: now, to: move.to, note: noteOf(now, move, plan) };
  });
}

function readingOf({ label, server }: PlannedStep, readings: readonly DnsReading[]): DnsReading | undefined {
  const own = readings.filter((one) => (server === undefined ? one.label === label : one.server === server));
  return own.find((one) => one.label === label) ?? own[0];
}

function noteOf(
  now: DnsRecordSet | null,
  { from, to, or = [], back }: Omit<PlannedMove, 'from'> & { from: DnsRecordSet | null },
  { overwriteDns }: Plan,
): string | null {
  if (now === null) return from === null ? null : 'not read';
  if (sameRecord(now, to)) return 'as it is';
  if (from === null || [from, ...or].some((one) => sameRecord(one, now))) return null;
  if (back) return 'left alone: it was put back, and somebody else has changed it since';
  return overwriteDns
    ? 'overwritten: somebody else has changed it'
    : 'left alone: somebody else has changed it';
}

/** `llm.example.test. CNAME  target.example.net. (TTL 30 s) → legacy.example.net. (TTL 300 s)` */
export function renderRecord({ name, type, says, to, note }: RecordLine): string {
  const change =
    says && sameRecord(says, to)
      ? describeValues(to)
      : `${says ? `${describeValues(says)} → ` : '→ '}${describeValues(to)}`;
  return safe(`${name} ${type}  ${change}${note === null ? '' : `  (${note})`}`);
}

/** The `dns status` and `dns diff` JSON documents. */
export function recordsDocument(command: string, views: readonly RecordView[]): Record<string, unknown> {
  return { schemaVersion: 1, command, records: views };
}

/** Each record, under the hook that it belongs to. */
export function renderViews(views: readonly RecordView[], style: Style, columns: number): string {
  if (views.length === 0) return 'no record is known: the config has no DNS hook that can be read';
  const lines: string[] = [];
  let label = '';
  for (const view of views) {
    if (view.label !== label) lines.push(style.bold(safe(view.label)));
    label = view.label;
    const paint = view.ok === true ? style.green : view.ok === false ? style.red : style.yellow;
    const [first = '', ...rest] = wrap(`  ${markOf(view)}  ${viewText(view)}`, columns, '        ');
    lines.push(first.replace(markOf(view), paint(markOf(view))), ...rest);
  }
  return lines.join('\n');
}

const markOf = ({ ok }: RecordView): string => (ok === null ? '?   ' : ok ? 'ok  ' : 'diff');

const NEWER =
  'newer than what our steps wrote: `cutover dns apply --keep` takes it in, so that a way back puts it back';

function viewText(view: RecordView): string {
  const { name, type, says, should, found, ok, error } = view;
  const parts = [`${name} ${type} ${says === null ? 'was not read' : `says ${describeValues(says)}`}`];
  if (ok !== true && should) parts.push(`should say ${describeValues(should)}`);
  if (found && !(should && sameRecord(found, should)))
    parts.push(`said ${describeValues(found)} before it was moved`);
  if (isNewer(view)) parts.push(NEWER);
  if (error !== undefined) parts.push(error);
  return safe(parts.join('; '));
}
