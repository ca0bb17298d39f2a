import type { CanaryDocument, ErrorReport, GuardrailReport } from './document.ts';
import { percentOf, type VerdictWord } from './judge.ts';

/** Colours a verdict; plain text without a terminal. */
export type Paint = (verdict: VerdictWord | 'open', text: string) => string;

const WIDTH = 80;

/** A verdict with its evidence, for people, at most 80 columns wide. */
export function renderCanary(document: CanaryDocument, paint: Paint): string {
  const { verdict, migration, stage, pairs, guardrails, explanations, warnings } = document;
  const where = stage
    ? ` at ${percent(stage.ratio)}, ${count(pairs, 'pair')} since ${minute(stage.since)}`
    : '';
  const lines = [`${paint(verdict, verdict)}  canary of ${migration}${where}`];
  lines.push(...explanations.flatMap((text) => wrap(text, '  ')));
  if (guardrails.length > 0 && stage) lines.push('', ...guardrailTable(guardrails, paint));
  const measured = measuredLines(document);
  if (measured.length > 0) lines.push('', ...measured);
  const notes = [...errorLines(document), ...warnings.flatMap((text) => wrap(`warning: ${text}`, ''))];
  if (notes.length > 0) lines.push('', ...notes);
  const { lastFail, last } = document;
  if (lastFail) lines.push('', 'the last FAIL, which nobody has answered:', renderCanary(lastFail, paint));
  if (last) lines.push('', 'the last run, which is over:', renderCanary(last, paint));
  return lines.join('\n');
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

function guardrailTable(guardrails: readonly GuardrailReport[], paint: Paint): string[] {
  const rows = guardrails.map((guardrail) => [
    guardrail.metric,
    value(guardrail.metric, guardrail.legacy),
    value(guardrail.metric, guardrail.target),
    differenceCell(guardrail),
    marginText(guardrail),
    `${percentOf(guardrail.lnEFail, guardrail.failAt).replace(' %', '')}/${percentOf(guardrail.lnEPass, guardrail.passAt)}`,
    verdictCell(guardrail),
  ]);
  const widths = HEADINGS.map((heading, i) =>
    Math.max(heading.length, ...rows.map((row) => row[i]?.length ?? 0)),
  );
  // Numbers stand under one another when they end together.
  const line = (cells: readonly string[]) =>
    cells.map((cell, i) =>
      i >= 1 && i <= 5 && i !== 3 ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0),
    );
  const painted = guardrails.map(({ verdict }, r) => {
    const cells = line(rows[r] ?? []);
    const last = cells.pop() ?? '';
    return [...cells, paint(verdict === 'INCONCLUSIVE' ? 'open' : verdict, last.trimEnd())].join('  ');
  });
  const notes = guardrails.some(({ metric }) => metric === 'cost') ? [COST_NOTE] : [];
  return [line(HEADINGS).join('  ').trimEnd(), ...painted, ...notes];
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

function differenceCell({ unit, difference, interval }: GuardrailReport): string {
  if (difference === null) return 'no data';
  const end = (x: number | null) => (x === null ? '…' : signed(x));
  return `${signed(difference)} ${unit === 'points' ? 'pp' : '%'} [${end(interval.low)}, ${end(interval.high)}]`;
}

function measuredLines({ measured, guardrails }: CanaryDocument): string[] {
  const known = measured.filter(({ legacy, target }) => legacy !== null && target !== null);
  if (known.length === 0) return [];
  const texts = known.map(
    ({ metric, legacy, target }) => `${metric} ${value(metric, legacy)} → ${value(metric, target)}`,
  );
  const lines = wrap(`not judged, legacy → target: ${texts.join(' · ')}`, '');
  const costShown = known.some(({ metric }) => metric === 'cost');
  return costShown && !guardrails.some(({ metric }) => metric === 'cost') ? [...lines, COST_NOTE] : lines;
}

function errorLines({ run }: CanaryDocument): string[] {
  if (!run) return [];
  return (['legacy', 'target'] as const).flatMap((side) =>
    run.errors[side].flatMap((error) => wrap(`${side}: ${describe(error)}`, '')),
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

/** Breaks text into lines of at most 80 columns; the first begins with `indent`, the others two further in. */
function wrap(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(' ')) {
    if (line.trim() !== '' && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = `${indent}  ${word}`;
    } else {
      line += line.trim() === '' ? word : ` ${word}`;
    }
  }
  return [...lines, line];
}
