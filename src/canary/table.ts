import { safe } from '../clean.ts';
import type { Style } from '../report/style.ts';
import { alignColumns, width, wrap } from '../report/text.ts';
import type { CanaryDocument, ErrorReport, GuardrailReport } from './document.ts';
import { percentOf, type VerdictWord } from './judge.ts';

/** A verdict with its evidence, for people, at most `columns` wide; made for 80. */
export function renderCanary(document: CanaryDocument, style: Style, columns: number): string {
  const { verdict, migration, stage, pairs, guardrails, explanations, warnings } = document;
  const where = stage
    ? ` at ${percent(stage.ratio)}, ${count(pairs, 'pair')} since ${minute(stage.since)}`
    : '';
  const sections = [
    [
      ...wrap(`${paint(style, verdict, verdict)}  canary of ${migration}${where}`, columns, '  '),
      ...explanations.flatMap((text) => wrap(`  ${safe(text)}`, columns, '    ')),
    ],
    guardrails.length > 0 && stage ? guardrailLines(guardrails, style, columns) : [],
    measuredLines(document).flatMap((text) => wrap(text, columns, '  ')),
    [...errorLines(document), ...warnings.map((text) => `warning: ${safe(text)}`)].flatMap((text) =>
      wrap(text, columns, '  '),
    ),
    document.lastFail
      ? ['the last FAIL, which nobody has answered:', renderCanary(document.lastFail, style, columns)]
      : [],
    document.last ? ['the last run, which is over:', renderCanary(document.last, style, columns)] : [],
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

function paint(style: Style, verdict: VerdictWord, text: string): string {
  return { PASS: style.green, FAIL: style.red, INCONCLUSIVE: style.yellow, ERROR: style.red }[verdict](text);
}

/** What a guardrail failed by, in one line: `errors 0 % → 29.2 %, +29.2 pp [+18.8, +42.8], margin 5 pp`. */
export function failedGuardrails({ guardrails }: CanaryDocument): string[] {
  return guardrails
    .filter(({ verdict }) => verdict === 'FAIL')
    .map((guardrail) => {
      const { metric, legacy, target } = guardrail;
      const change = `${metric} ${value(metric, legacy)} → ${value(metric, target)}`;
      return `${change}, ${differenceCell(guardrail)}, margin ${marginText(guardrail)}`;
    });
}

/** One line for a canary that is going on: how far each guardrail is. */
export function renderProgress(document: CanaryDocument, left: string): string {
  const states = document.guardrails.map((guardrail) => {
    if (guardrail.verdict !== 'INCONCLUSIVE') return `${guardrail.metric} ${guardrail.verdict}`;
    const { lnEFail, failAt, lnEPass, passAt } = guardrail;
    return lnEFail / failAt > lnEPass / passAt
      ? `${guardrail.metric} ${percentOf(lnEFail, failAt)} to FAIL`
      : `${guardrail.metric} ${percentOf(lnEPass, passAt)} to PASS`;
  });
  return [`${document.verdict} ${count(document.pairs, 'pair')}`, ...states, `${left} left`].join(' · ');
}

const HEADINGS = ['guardrail', 'legacy', 'target', 'difference', 'margin', 'evidence', 'verdict'];
const DIFFERENCE = HEADINGS.indexOf('difference');
/** Numbers stand under one another when they end together. */
const TO_THE_RIGHT = ['legacy', 'target', 'margin', 'evidence'];

/** A table; its intervals below the differences where it would be too wide; a list where even that is. */
function guardrailLines(guardrails: readonly GuardrailReport[], style: Style, columns: number): string[] {
  const notes = guardrails.some(({ metric }) => metric === 'cost') ? wrap(COST_NOTE, columns) : [];
  const wide = guardrailTable(guardrails, style, ({ difference, interval }) => [
    `${difference} ${interval}`.trim(),
  ]);
  const tall = guardrailTable(guardrails, style, ({ difference, interval }) => [difference, interval]);
  const fits = [wide, tall].find((lines) => lines.every((line) => width(line) <= columns));
  return [...(fits ?? guardrails.flatMap((one) => guardrailList(one, style, columns))), ...notes];
}

function guardrailTable(
  guardrails: readonly GuardrailReport[],
  style: Style,
  stack: (cell: ReturnType<typeof differenceOf>) => string[],
): string[] {
  const rows = guardrails.map((guardrail) => {
    const [first = '', ...below] = stack(differenceOf(guardrail));
    return { cells: [...cellsOf(guardrail, first), verdictCell(guardrail)], below, guardrail };
  });
  const widths = HEADINGS.map((heading, i) =>
    Math.max(
      width(heading),
      ...rows.map(({ cells }) => width(cells[i] ?? '')),
      ...(i === DIFFERENCE ? rows.flatMap(({ below }) => below.map(width)) : []),
    ),
  );
  const line = (cells: readonly string[], last = (text: string) => text) =>
    cells
      .map((cell, i) => {
        if (i === HEADINGS.length - 1) return last(cell);
        const gap = ' '.repeat((widths[i] ?? 0) - width(cell));
        return TO_THE_RIGHT.includes(HEADINGS[i] ?? '') ? gap + cell : cell + gap;
      })
      .join('  ')
      .trimEnd();
  return [
    line(HEADINGS),
    ...rows.flatMap(({ cells, below, guardrail }) => [
      line(cells, (text) => paintVerdict(style, guardrail, text)),
      ...below
        .filter((text) => text !== '')
        .map((text) => line(HEADINGS.map((_, i) => (i === DIFFERENCE ? text : '')))),
    ]),
  ];
}

function guardrailList(guardrail: GuardrailReport, style: Style, columns: number): string[] {
  const cells = cellsOf(guardrail, differenceCell(guardrail));
  const rows = HEADINGS.slice(1, -1).map((heading, i) => [heading, cells[i + 1] ?? '']);
  return [
    `${guardrail.metric}  ${paintVerdict(style, guardrail, verdictCell(guardrail))}`,
    ...alignColumns(rows, 2, columns),
  ];
}

function paintVerdict(style: Style, { verdict }: GuardrailReport, text: string): string {
  return verdict === 'INCONCLUSIVE' ? style.dim(text) : paint(style, verdict, text);
}

/** Every cell but the last, which is the verdict. */
function cellsOf(guardrail: GuardrailReport, difference: string): string[] {
  return [
    guardrail.metric,
    value(guardrail.metric, guardrail.legacy),
    value(guardrail.metric, guardrail.target),
    difference,
    marginText(guardrail),
    `${percentOf(guardrail.lnEFail, guardrail.failAt).replace(' %', '')}/${percentOf(guardrail.lnEPass, guardrail.passAt)}`,
  ];
}

const COST_NOTE = 'cost is in USD per 1,000 requests';

/** PASS, FAIL, or about how many more pairs it takes. */
function verdictCell({ verdict, pairsNeeded }: GuardrailReport): string {
  if (verdict !== 'INCONCLUSIVE') return verdict;
  return pairsNeeded.pass === null ? 'open' : `~${pairsNeeded.pass} more`;
}

function marginText({ unit, margin }: GuardrailReport): string {
  return unit === 'points' ? `${digits(margin)} pp` : percent(margin);
}

function differenceCell(guardrail: GuardrailReport): string {
  const { difference, interval } = differenceOf(guardrail);
  return `${difference} ${interval}`.trim();
}

function differenceOf(guardrail: GuardrailReport): { difference: string; interval: string } {
  const { unit, difference, interval } = guardrail;
  if (difference === null) return { difference: 'no data', interval: '' };
  const end = (x: number | null) => (x === null ? '…' : signed(x));
  return {
    difference: `${signed(difference)} ${unit === 'points' ? 'pp' : '%'}`,
    interval: `[${end(interval.low)}, ${end(interval.high)}]`,
  };
}

function measuredLines({ measured, guardrails }: CanaryDocument): string[] {
  const known = measured.filter(({ legacy, target }) => legacy !== null && target !== null);
  if (known.length === 0) return [];
  const texts = known.map(
    ({ metric, legacy, target }) => `${metric} ${value(metric, legacy)} → ${value(metric, target)}`,
  );
  const lines = [`not judged, legacy → target: ${texts.join(' · ')}`];
  const costShown = known.some(({ metric }) => metric === 'cost');
  return costShown && !guardrails.some(({ metric }) => metric === 'cost') ? [...lines, COST_NOTE] : lines;
}

function errorLines({ run }: CanaryDocument): string[] {
  if (!run) return [];
  return (['legacy', 'target'] as const).flatMap((side) =>
    run.errors[side].map((error) => safe(`${side}: ${describe(error)}`)),
  );
}

function describe({ class: name, requests, example }: ErrorReport): string {
  return `${requests} × ${name} in this run${example === null ? '' : ` (${example})`}`;
}

function value(metric: string, x: number | null): string {
  if (x === null) return '–';
  if (metric === 'errors' || metric === 'invalid') return percent(x);
  if (metric === 'cost') return `$${trim((x * 1000).toPrecision(3))}`;
  return x < 999.5 ? `${trim(x.toPrecision(3))} ms` : `${trim((x / 1000).toPrecision(3))} s`;
}

/** `toPrecision` without the exponent it uses for large numbers. */
function trim(text: string): string {
  return String(Number(text));
}

const digits = (share: number) => String(Number((share * 100).toFixed(2)));
const percent = (share: number) => `${Number((share * 100).toFixed(1))} %`;

function signed(share: number): string {
  const x = share * 100;
  const text = Math.abs(x) < 100 ? x.toFixed(1) : x.toFixed(0);
  return x >= 0 ? `+${text.replace(/^-/, '')}` : text;
}

const count = (n: number, noun: string) => `${n} ${noun}${n === 1 ? '' : 's'}`;
const minute = (iso: string) => `${iso.slice(0, 16).replace('T', ' ')}Z`;
