import type { Assessment } from '../../assess/assessment.ts';
import { clean } from '../../clean.ts';
import { type ColumnSpec, grid } from '../grid.ts';
import type { Style } from '../style.ts';
import { alignColumns, width, wrap } from '../text.ts';
import { costFacts, type Fact, latencyRows, thresholdFact, trafficFacts, unpricedFacts } from './facts.ts';
import { type Currency, count, counted, type Money, moneyIn, ms } from './numbers.ts';
import { shorten } from './words.ts';

const LABEL = 14;
/** More models or groups than this are summed up in one line. */
const MAX_ROWS = 20;
const MAX_UNPRICED = 10;
/** Names are not cut below this, even when the table is too wide then. */
const SHORTEST_NAME = 6;

/** The assessment for a terminal of `columns` columns; made for 80. */
export function assessmentTable(
  assessment: Assessment,
  style: Style,
  currency: Currency | undefined,
  columns = 80,
): string {
  const money = moneyIn(currency);
  const sections = [
    factLines(trafficFacts(assessment), style, columns),
    latencyTable(assessment),
    modelTable(assessment, style, money, columns),
    groupTable(assessment, style, money, columns),
    factLines(costFacts(assessment, money), style, columns),
    advice(assessment, style, columns),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

function factLines(facts: readonly Fact[], style: Style, columns: number): string[] {
  return facts.flatMap(({ label, text, strong }) => {
    const [first, ...rest] = wrap(text, columns - LABEL);
    const lines = [label.padEnd(LABEL) + first, ...rest.map((line) => ' '.repeat(LABEL) + line)];
    return strong ? lines.map((line) => style.bold(line)) : lines;
  });
}

const RIGHT = (title: string): ColumnSpec => ({ title, align: 'right' });
const LEFT = (title: string): ColumnSpec => ({ title, align: 'left' });

function latencyTable(assessment: Assessment): string[] {
  const rows = latencyRows(assessment).map(([label = '', ...cells]) => [label.padEnd(LABEL - 2), ...cells]);
  return rows.length === 0 ? [] : grid([LEFT(''), RIGHT('p50'), RIGHT('p95'), RIGHT('p99')], rows);
}

function modelTable({ models, cost }: Assessment, style: Style, money: Money, room: number): string[] {
  if (models.length === 0) return [];
  const projected = cost.projectedUsd !== null;
  const renamed = models.some((one) => one.targetModel !== null && one.targetModel !== one.model);
  const columns = [
    LEFT('Model'),
    ...(renamed ? [LEFT('at target')] : []),
    RIGHT('Requests'),
    RIGHT('Tokens'),
    RIGHT('p95'),
    RIGHT('Now'),
    ...(projected ? [RIGHT('Projected')] : []),
  ];
  const rows = models
    .slice(0, MAX_ROWS)
    .map((one) => [
      clean(one.model),
      ...(renamed ? [clean(one.targetModel ?? '')] : []),
      count(one.requests),
      count(one.tokens),
      one.latencyMs ? ms(one.latencyMs.p95) : '–',
      orDash(one.currentUsd, money),
      ...(projected ? [orDash(one.projectedUsd, money)] : []),
    ]);
  const lines = fitting(columns, rows, renamed ? 2 : 1, room);
  return titled(lines, models.length - rows.length, 'model', style);
}

function groupTable({ groups, cost }: Assessment, style: Style, money: Money, room: number): string[] {
  if (!groups || groups.groups.length === 0) return [];
  const projected = cost.projectedUsd !== null;
  const columns = [
    LEFT(`By ${groups.by}`),
    RIGHT('Requests'),
    RIGHT('Errors'),
    RIGHT('Tokens'),
    RIGHT('p50'),
    RIGHT('p95'),
    RIGHT('Now'),
    ...(projected ? [RIGHT('Projected')] : []),
  ];
  const ordered = groups.by === 'day' || groups.by === 'hour';
  const shown = ordered ? groups.groups.slice(-31) : groups.groups.slice(0, MAX_ROWS);
  const rows = shown.map((one) => [
    clean(one.key),
    count(one.requests),
    count(one.errors),
    count(one.tokens),
    one.latencyMs ? ms(one.latencyMs.p50) : '–',
    one.latencyMs ? ms(one.latencyMs.p95) : '–',
    orDash(one.currentUsd, money),
    ...(projected ? [orDash(one.projectedUsd, money)] : []),
  ]);
  const lines = fitting(columns, rows, 1, room);
  return titled(lines, groups.groups.length - rows.length, groups.by, style);
}

/**
 * A table no wider than `room`: when it is, the names in its first columns give way, never the figures; where that is not
 * enough, or two names would become one, it becomes a list of whole names.
 */
function fitting(columns: readonly ColumnSpec[], rows: string[][], names: number, room: number): string[] {
  const whole = grid(columns, rows);
  const excess = Math.max(...whole.map(width)) - room;
  if (excess <= 0) return whole;
  const widths = Array.from({ length: names }, (_, i) => Math.max(...rows.map((row) => width(row[i] ?? ''))));
  for (let left = excess; left > 0; left--) {
    const widest = widths.indexOf(Math.max(...widths));
    widths[widest] = Math.max(SHORTEST_NAME, (widths[widest] as number) - 1);
  }
  const cut = (cell: string, i: number) => (i < names ? shorten(cell, widths[i] as number) : cell);
  const narrow = rows.map((row) => row.map(cut));
  const lines = grid(columns, narrow);
  const told = columns.slice(0, names).every((_, i) => distinct(narrow, i) === distinct(rows, i));
  return told && lines.every((line) => width(line) <= room) ? lines : listed(columns, rows, room);
}

const distinct = (rows: readonly string[][], column: number) => new Set(rows.map((row) => row[column])).size;

/** The rows one below the other, each under its name. */
function listed(columns: readonly ColumnSpec[], rows: readonly string[][], room: number): string[] {
  const [name, ...figures] = columns.map(({ title }) => title);
  return [
    name ?? '',
    ...rows.flatMap(([key = '', ...cells]) => [
      `  ${key}`,
      ...alignColumns(
        figures.map((title, i) => [title, cells[i] ?? '']),
        4,
        room,
      ),
    ]),
  ];
}

function orDash(usd: number | null, money: Money): string {
  return usd === null ? '–' : money(usd);
}

function titled([title = '', ...lines]: string[], more: number, what: string, style: Style): string[] {
  const rest = more > 0 ? [`and ${counted(more, `more ${what}`)}; --json has them all`] : [];
  return [style.bold(title), ...lines, ...rest];
}

function advice(assessment: Assessment, style: Style, columns: number): string[] {
  const { recommendation, notes } = assessment;
  const level = recommendation.level ?? 'none';
  const colour = { HIGH: style.green, MEDIUM: style.yellow, LOW: style.red, none: style.dim }[level];
  const [first = '', ...rest] = wrap(`${level}: ${recommendation.reason}`, columns - LABEL);
  const lines = [
    'Migrate'.padEnd(LABEL) + colour(level) + first.slice(level.length),
    ...rest.map((line) => ' '.repeat(LABEL) + line),
  ];
  const unpriced = unpricedFacts(assessment);
  const more = unpriced.length - MAX_UNPRICED;
  const facts = [
    ...thresholdFact(assessment),
    ...unpriced.slice(0, MAX_UNPRICED),
    ...(more > 0 ? [{ label: '', text: `and ${counted(more, 'more model')}; --json has them all` }] : []),
    ...notes.map((text) => ({ label: 'Note', text })),
  ];
  return [...lines, ...factLines(facts, style, columns)];
}
