import { safe } from '../../clean.ts';
import { formatRatio } from '../../config/units.ts';
import { describeChange } from '../../world.ts';
import type { HookEvent } from '../hook.ts';
import { type Weight, weightOf } from './weight.ts';

/** What people are told about one operation: made once, put into each medium's own form by its driver. */
export interface Message extends Weight {
  title: string;
  /** In the order they are read. Values are one line each; control characters are escaped. */
  facts: Fact[];
}

export interface Fact {
  name: string;
  value: string;
  /** A command to copy. */
  code?: true;
}

/** Longest text of one fact, in characters: what every medium takes. */
const MAX_FACT = 900;
/** So many reasons of a verdict, or failed steps, are told one by one. */
const MAX_LISTED = 5;

/** The message of an event. Pure. */
export function messageFor(event: HookEvent): Message {
  if (event.test) return testMessage(event);
  const { from, to, operation, flag, history, untold = [] } = event;
  const failed = event.steps.filter(({ outcome }) => outcome === 'failed');
  const facts: Fact[] = [
    { name: 'change', value: describeChange(from, to) },
    { name: 'flag', value: flagMoved(event) ? `from ${said(flag?.before)} to ${said(flag?.after)}` : '' },
    { name: 'when', value: event.at ?? '' },
    { name: 'by', value: event.actor },
    { name: 'why', value: event.reason },
    { name: 'verdict', value: describeEvidence(event.evidence) },
    ...failed.slice(0, MAX_LISTED).map(({ kind, label, error }) => ({
      name: 'failed',
      value: `${kind} ${label}: ${error ?? 'no reason given'}`,
    })),
    {
      name: 'failed',
      value: failed.length > MAX_LISTED ? `and ${failed.length - MAX_LISTED} more steps` : '',
    },
    ...untold.slice(-MAX_LISTED).map((value) => ({ name: 'not told before', value })),
    {
      name: 'to try again',
      value: failed.length > 0 && !wasPutBack(event) ? 'cutover resume' : '',
      code: true,
    },
    { name: 'to undo', value: event.undo, code: true },
    { name: 'operation', value: operation.id },
    { name: 'history', value: history ? `${history.entries} entries, head ${history.head}` : '' },
  ];
  return {
    ...weightOf(event),
    title: clean(`${event.late ? '[late] ' : ''}${event.migration}: ${titleOf(event, failed)}`),
    facts: facts.map((fact) => ({ ...fact, value: clean(fact.value) })).filter(({ value }) => value !== ''),
  };
}

function titleOf(event: HookEvent, failed: HookEvent['steps']): string {
  const { to, operation, asked } = event;
  if (operation.kind === 'freeze') return 'forward steps are frozen';
  if (operation.kind === 'unfreeze') return 'forward steps may go on';
  if (operation.kind === 'canary FAIL') {
    return `the canary failed at ${formatRatio(to.ratio)}; nothing was rolled back`;
  }
  if (asked && event.outcome === 'failed') {
    const now = wasPutBack(event) ? `stays at ${formatRatio(to.ratio)}` : 'what the flag says is not known';
    return `${operation.kind}, the flag could not be set to ${formatRatio(asked.ratio)}; ${now}`;
  }
  const change = `${operation.kind}, ${aimOf(event)}`;
  if (event.endedBy) return `${change}, was not finished; ${event.endedBy} has taken its place`;
  if (event.running) return `${change}; DNS is still being moved`;
  if (failed.some(({ kind }) => kind !== 'notify')) {
    return `${change}, but ${failed.map(({ kind }) => kind).join(' and ')} failed`;
  }
  return event.resumed ? `${change}, done after all` : change;
}

function aimOf({ from, to, operation, asked }: HookEvent): string {
  const aim = formatRatio((asked ?? to).ratio);
  if (operation.kind === 'dns apply') return `traffic stays at ${aim}`;
  return formatRatio(from.ratio) === aim ? aim : `${formatRatio(from.ratio)} → ${aim}`;
}

/** Of a step that failed: whether the flag is known to say again what it said before. */
const wasPutBack = ({ asked, flag }: HookEvent): boolean =>
  asked !== undefined && typeof flag?.after === 'number';

/** Whether the flag was somewhere else than the state said. */
function flagMoved({ flag, from }: HookEvent): boolean {
  return typeof flag?.before === 'number' && flag.before !== from.ratio && flag.before !== flag.after;
}

const said = (ratio: number | null | undefined) =>
  typeof ratio === 'number' ? formatRatio(ratio) : 'nothing known';

function testMessage(event: HookEvent): Message {
  return {
    level: 'info',
    trouble: 'neither',
    begins: null,
    over: [],
    title: clean(`[TEST] ${event.migration}: a test message of cutover`),
    facts: [
      { name: 'what', value: 'Nothing has happened: someone tries whether messages arrive here.' },
      { name: 'by', value: clean(event.actor) },
      { name: 'now', value: clean(`${event.to.status}, ${formatRatio(event.to.ratio)} to target`) },
    ],
  };
}

/** `PASS: every guardrail is proven kept`, from what the plan kept of the verdict; empty when there is none. */
export function describeEvidence(evidence: unknown): string {
  const { verdict, document, reasons } = fields(evidence);
  if (typeof verdict !== 'string') return '';
  const list = [reasons, fields(document).reasons].find(Array.isArray) as unknown[] | undefined;
  const texts = (list ?? [])
    .map((reason) => (typeof reason === 'string' ? reason : fields(reason).text))
    .filter((text): text is string => typeof text === 'string')
    .slice(0, MAX_LISTED);
  return texts.length === 0 ? verdict : `${verdict}: ${texts.join('; ')}`;
}

/** The message as plain text, a line for each fact. */
export function plainText({ title, facts }: Message): string {
  return [title, ...facts.map(({ name, value }) => `${name}: ${value}`)].join('\n');
}

/** At most so many characters; an ellipsis shows where text was left off. */
export function shorten(text: string, max: number): string {
  const chars = [...text];
  return chars.length <= max ? text : `${chars.slice(0, max - 1).join('')}…`;
}

const clean = (text: string) => shorten(safe(text.trim()), MAX_FACT);

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
