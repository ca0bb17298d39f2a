import { safe } from '../../clean.ts';
import { formatRatio } from '../../config/units.ts';
import { describeChange } from '../../world.ts';
import type { HookEvent } from '../hook.ts';

/** What people are told about one operation: made once, put into each medium's own form by its driver. */
export interface Message {
  /** `info`: it went as planned. `warning`: back to legacy on purpose. `critical`: an emergency, or not as planned. */
  level: 'info' | 'warning' | 'critical';
  /** For receivers that keep incidents: whether one begins with this, is over with it, or neither. */
  trouble: 'begins' | 'ends' | 'neither';
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
  const { from, to, operation, migration } = event;
  const failed = event.steps.filter(({ outcome }) => outcome === 'failed');
  const trafficFailed = failed.some(({ kind }) => kind !== 'notify');
  const facts: Fact[] = [
    { name: 'change', value: describeChange(from, to) },
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
    { name: 'to try again', value: failed.length > 0 ? 'cutover resume' : '', code: true },
    { name: 'to undo', value: event.undo, code: true },
    { name: 'operation', value: operation.id },
  ];
  const ratio =
    from.ratio === to.ratio ? formatRatio(to.ratio) : `${formatRatio(from.ratio)} → ${formatRatio(to.ratio)}`;
  const fault = trafficFailed ? `, but ${failed.map(({ kind }) => kind).join(' and ')} failed` : '';
  return {
    ...weightOf(event, trafficFailed),
    title: clean(`${migration}: ${operation.kind}, ${ratio}${fault}`),
    facts: facts.map((fact) => ({ ...fact, value: clean(fact.value) })).filter(({ value }) => value !== ''),
  };
}

function weightOf(
  { operation, from, to }: HookEvent,
  trafficFailed: boolean,
): Pick<Message, 'level' | 'trouble'> {
  if (operation.kind === 'emergency' || trafficFailed) return { level: 'critical', trouble: 'begins' };
  if (operation.kind === 'rollback') return { level: 'warning', trouble: 'begins' };
  return { level: 'info', trouble: to.ratio > from.ratio || to.status === 'complete' ? 'ends' : 'neither' };
}

function testMessage(event: HookEvent): Message {
  return {
    level: 'info',
    trouble: 'neither',
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
