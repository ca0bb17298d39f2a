import type { ChalkInstance as Style } from 'chalk';
import type { Assessment } from '../../assess/assessment.ts';
import type { Percentiles } from '../../assess/percentile.ts';
import { clean } from '../clean.ts';
import { type ColumnSpec, grid, shorten, wrap } from './grid.ts';
import { count, counted, days, ms, percent, share, usd } from './numbers.ts';

const LABEL = 14;
/** More models than this are summed up in one line. */
const MAX_MODELS = 20;

/** The assessment for a terminal of `columns` columns; made for 80. */
export function assessmentTable(assessment: Assessment, style: Style, columns = 80): string {
  const sections = [
    head(assessment),
    latencies(assessment),
    modelTable(assessment, style),
    money(assessment, style),
    advice(assessment, style, columns),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

function row(label: string, text: string): string {
  return `${label.padEnd(LABEL)}${text}`;
}

function head({ period, records, requests, tokens }: Assessment): string[] {
  const span =
    period.from === null || period.to === null
      ? 'unknown: the records have no timestamps'
      : `${day(period.from)} to ${day(period.to)} UTC${period.days === null ? '' : ` (${days(period.days)})`}`;
  const daily = tokens.dailyAverage === null ? '' : `, ${count(tokens.dailyAverage)} a day`;
  const lines = [
    row('Period', span),
    row(
      'Records',
      `${count(records.read)} read = ${count(records.used)} used + ${count(records.filtered)} filtered + ${count(records.rejected)} rejected`,
    ),
    row(
      'Requests',
      `${count(requests.total)}: ${count(requests.ok)} ok, ${counted(requests.errors, 'error')}`,
    ),
    row('Tokens', `${count(tokens.total)}${daily}`),
    row(
      '',
      `${count(tokens.input)} input (${share(tokens.input === 0 ? 0 : tokens.cachedInput / tokens.input)} cached), ${count(tokens.output)} output`,
    ),
  ];
  if (tokens.unbilled > 0)
    lines.push(row('', `${count(tokens.unbilled)} of failed requests, which cost nothing`));
  const classes = Object.entries(requests.errorsByClass);
  if (classes.length > 0) {
    const rate = requests.total === 0 ? 0 : requests.errors / requests.total;
    const named = classes.slice(0, 6).map(([name, n]) => `${clean(name)} ${count(n)}`);
    const more = classes.length > 6 ? ', …' : '';
    lines.splice(3, 0, row('Errors', `${share(rate)} of the requests: ${named.join(', ')}${more}`));
  }
  return lines;
}

function day(iso: string): string {
  return iso.slice(0, 16).replace('T', ' ');
}

const RIGHT = (title: string): ColumnSpec => ({ title, align: 'right' });
const LEFT = (title: string): ColumnSpec => ({ title, align: 'left' });

function latencies({ latencyMs, ttftMs }: Assessment): string[] {
  const rows: string[][] = [];
  const of = (label: string, p: Percentiles) => [label.padEnd(LABEL - 2), ms(p.p50), ms(p.p95), ms(p.p99)];
  if (latencyMs) rows.push(of('Latency', latencyMs));
  if (ttftMs) rows.push(of('TTFT', ttftMs));
  return rows.length === 0 ? [] : grid([LEFT(''), RIGHT('p50'), RIGHT('p95'), RIGHT('p99')], rows);
}

function modelTable({ models, cost }: Assessment, style: Style): string[] {
  if (models.length === 0) return [];
  const shown = models.slice(0, MAX_MODELS);
  const projected = cost.projectedUsd !== null;
  const renamed = shown.some((one) => one.targetModel !== null && one.targetModel !== one.model);
  const columns = [
    LEFT('Model'),
    ...(renamed ? [LEFT('at target')] : []),
    RIGHT('Requests'),
    RIGHT('Tokens'),
    RIGHT('p95'),
    RIGHT('Now'),
    ...(projected ? [RIGHT('Projected')] : []),
  ];
  const nameWidth = renamed ? 17 : 30;
  const money = (value: number | null) => (value === null ? '–' : usd(value));
  const rows = shown.map((one) => [
    shorten(clean(one.model), nameWidth),
    ...(renamed ? [shorten(clean(one.targetModel ?? ''), nameWidth)] : []),
    count(one.requests),
    count(one.tokens),
    one.latencyMs ? ms(one.latencyMs.p95) : '–',
    money(one.currentUsd),
    ...(projected ? [money(one.projectedUsd)] : []),
  ]);
  const [title, ...lines] = grid(columns, rows);
  const more = models.length - shown.length;
  return [
    style.bold(title ?? ''),
    ...lines,
    ...(more > 0 ? [`and ${counted(more, 'more model')}; --json has them all`] : []),
  ];
}

function money({ cost, savings, period }: Assessment, style: Style): string[] {
  const lines: string[] = [];
  const both = (periodUsd: number, monthlyUsd: number | null) =>
    monthlyUsd === null ? usd(periodUsd) : `${usd(monthlyUsd)} a month`;
  const basis = period.days === null ? 'for these records' : 'for 30 days';
  if (cost.currentUsd !== null) {
    lines.push(row('Now', `${both(cost.currentUsd, cost.monthlyCurrentUsd)}, ${basis}`));
  }
  if (cost.projectedUsd !== null && cost.currentUsd !== null && savings.periodUsd !== null) {
    lines.push(row('Projected', both(cost.projectedUsd, cost.monthlyProjectedUsd)));
    const yearly = savings.yearlyUsd === null ? '' : `, ${usd(savings.yearlyUsd)} a year`;
    const rate = savings.percent === null ? '' : `: ${percent(savings.percent)}`;
    lines.push(style.bold(row('Savings', `${both(savings.periodUsd, savings.monthlyUsd)}${yearly}${rate}`)));
  }
  const sources = [
    ...(cost.reportedUsd === null ? [] : [`${usd(cost.reportedUsd)} as reported`]),
    ...(cost.recomputedUsd === null ? [] : [`${usd(cost.recomputedUsd)} recomputed from prices`]),
  ];
  if (sources.length > 0) lines.push(row('In the logs', sources.join(', ')));
  return lines;
}

function advice({ recommendation, unpriced, notes }: Assessment, style: Style, columns: number): string[] {
  const level = recommendation.level ?? 'none';
  const colour = { HIGH: style.green, MEDIUM: style.yellow, LOW: style.red, none: style.dim }[level];
  const lines = wrap(recommendation.reason, columns - LABEL - level.length - 2);
  const indent = ' '.repeat(LABEL);
  const out = [
    `${row('Migrate', '')}${colour(level)}: ${lines[0] ?? ''}`,
    ...lines.slice(1).map((line) => indent + line),
  ];
  for (const one of unpriced.slice(0, 10)) {
    const side = {
      current: 'no current price',
      target: 'no price at the target',
      both: 'no price on either side',
    };
    const text = `${shorten(clean(one.model), 40)}: ${side[one.missing]}, left out (${share(one.share)} of the tokens)`;
    out.push(row('Unpriced', text));
  }
  if (unpriced.length > 10) out.push(row('', `and ${counted(unpriced.length - 10, 'more model')}`));
  for (const note of notes) {
    const [first, ...rest] = wrap(note, columns - LABEL);
    out.push(row('Note', first ?? ''), ...rest.map((line) => indent + line));
  }
  return out;
}
