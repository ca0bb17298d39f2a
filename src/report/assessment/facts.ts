import type { Assessment } from '../../assess/assessment.ts';
import { DIMENSION_NAMES } from '../../assess/gap-notes.ts';
import type { Percentiles } from '../../assess/percentile.ts';
import type { WhatIf } from '../../assess/what-if.ts';
import { clean } from '../../clean.ts';
import { count, counted, days, type Money, ms, percent, share } from './numbers.ts';

/** A line of a report: what it is about, and what is so. Every report shows the same facts. */
export interface Fact {
  label: string;
  text: string;
  strong?: boolean;
}

const MAX_CLASSES = 6;

/** Traffic: period, records, requests, errors, tokens. */
export function trafficFacts({ period, records, requests, tokens, searches }: Assessment): Fact[] {
  const span =
    period.from === null || period.to === null
      ? 'unknown: the records have no timestamps'
      : `${minute(period.from)} to ${minute(period.to)} UTC${period.days === null ? '' : ` (${days(period.days)})`}`;
  const facts: Fact[] = [
    { label: 'Period', text: span },
    {
      label: 'Records',
      text: `${count(records.read)} read = ${count(records.used)} used + ${count(records.filtered)} filtered + ${count(records.rejected)} rejected`,
    },
  ];
  for (const [reason, number] of Object.entries(records.filteredByReason).slice(0, 4)) {
    facts.push({ label: '', text: `${count(number)} filtered: ${clean(reason)}` });
  }
  facts.push({
    label: 'Requests',
    text: `${count(requests.total)}: ${count(requests.ok)} ok, ${counted(requests.errors, 'error')}`,
  });
  const classes = Object.entries(requests.errorsByClass);
  if (classes.length > 0 && requests.total > 0) {
    const named = classes.slice(0, MAX_CLASSES).map(([name, n]) => `${clean(name)} ${count(n)}`);
    const more = classes.length > MAX_CLASSES ? ', …' : '';
    facts.push({
      label: 'Errors',
      text: `${share(requests.errors / requests.total)} of the requests: ${named.join(', ')}${more}`,
    });
  }
  const daily = tokens.dailyAverage === null ? '' : `, ${count(tokens.dailyAverage)} a day`;
  const cached = tokens.input === 0 ? 0 : tokens.cachedInput / tokens.input;
  const untold = tokens.untoldRequests;
  if (untold > 0 && tokens.total === 0) {
    facts.push({ label: 'Tokens', text: 'unknown: no request has token counts' });
    return facts;
  }
  facts.push(
    { label: 'Tokens', text: `${count(tokens.total)}${daily}` },
    {
      label: '',
      text: `${count(tokens.input)} input (${share(cached)} cached), ${count(tokens.output)} output`,
    },
  );
  const besides = Object.entries(tokens.byDimension).filter(([, number]) => number > 0);
  if (besides.length > 0) {
    const named = besides.map(([name, number]) => `${count(number)} ${DIMENSION_NAMES[name] ?? name}`);
    facts.push({ label: '', text: `of these ${named.join(', ')}` });
  }
  if (searches) facts.push({ label: 'Searches', text: count(searches) });
  if (untold > 0) facts.push({ label: '', text: `${counted(untold, 'request')} without token counts` });
  if (tokens.unbilled > 0) {
    facts.push({ label: '', text: `${count(tokens.unbilled)} of failed requests, which cost nothing` });
  }
  return facts;
}

/** `2026-08-20 10:00` of an ISO time. */
function minute(iso: string): string {
  return iso.slice(0, 16).replace('T', ' ');
}

/** Cost and savings; monthly where the period is known, else for the records. */
export function costFacts(assessment: Assessment, money: Money): Fact[] {
  const { cost, savings, period, whatIf, migrationWindow, trend, prices } = assessment;
  const each = (inPeriod: number, monthly: number | null) =>
    monthly === null ? `${money(inPeriod)} for these records` : `${money(monthly)} a month`;
  const facts: Fact[] = [];
  if (cost.currentUsd !== null) {
    const inPeriod = period.days === null ? '' : ` (${money(cost.currentUsd)} in ${days(period.days)})`;
    facts.push({ label: 'Now', text: each(cost.currentUsd, cost.monthlyCurrentUsd) + inPeriod });
  }
  if (cost.projectedUsd !== null) {
    facts.push({ label: 'Projected', text: each(cost.projectedUsd, cost.monthlyProjectedUsd) });
  }
  if (whatIf) {
    const without =
      whatIf.plainProjectedUsd === null
        ? ''
        : ` (without: ${each(whatIf.plainProjectedUsd, whatIf.plainMonthlyProjectedUsd)})`;
    facts.push({ label: 'What if', text: `${assumptions(whatIf).join(', ')}${without}` });
  }
  if (savings.periodUsd !== null) {
    const yearly = savings.yearlyUsd === null ? '' : `, ${money(savings.yearlyUsd)} a year`;
    const rate = savings.percent === null ? '' : `: ${percent(savings.percent)}`;
    facts.push({
      label: 'Savings',
      text: `${each(savings.periodUsd, savings.monthlyUsd)}${yearly}${rate}`,
      strong: true,
    });
  }
  if (savings.interval95) {
    const { low, high, lowPercent, highPercent } = savings.interval95;
    facts.push({
      label: '95 % interval',
      text: `${money(low)} to ${money(high)} saved in the next 30 days if traffic stays as it is; ${percent(lowPercent)} to ${percent(highPercent)} of the cost`,
    });
  }
  if (trend) {
    const { monthlyCurrentUsd, monthlyProjectedUsd, monthlySavedUsd } = trend.lastWeek;
    const saved =
      monthlyProjectedUsd === null || monthlySavedUsd === null
        ? ''
        : `, ${money(monthlyProjectedUsd)} projected: saves ${money(monthlySavedUsd)}`;
    facts.push({
      label: 'Last 7 days',
      text: `at their rate ${money(monthlyCurrentUsd)} a month now${saved}`,
    });
  }
  if (migrationWindow) {
    const { stages, pairsPerStage, probesUsd } = migrationWindow;
    facts.push({
      label: 'Probes',
      text: `${money(probesUsd)} at least, once: ${counted(stages, 'stage')} of ${count(pairsPerStage)} pairs on both sides`,
    });
  }
  const sources = [
    ...(cost.reportedUsd === null ? [] : [`${money(cost.reportedUsd)} as reported`]),
    ...(cost.recomputedUsd === null ? [] : [`${money(cost.recomputedUsd)} recomputed from prices`]),
  ];
  if (sources.length > 0) facts.push({ label: 'In the logs', text: sources.join(', ') });
  if (prices.length > 0) {
    const named = prices.map(({ name, date }) => clean(name, 80) + (date === null ? '' : ` of ${date}`));
    facts.push({ label: 'Prices', text: named.join(', ') });
  }
  return facts;
}

function assumptions({ cacheHit, batchShare, growth }: WhatIf): string[] {
  return [
    ...(cacheHit === undefined ? [] : [`${share(cacheHit)} cache hits`]),
    ...(batchShare === undefined ? [] : [`${share(batchShare)} batch`]),
    ...(growth === undefined ? [] : [`${growth < 0 ? '' : '+'}${share(growth)} traffic`]),
  ];
}

/** Percentiles as rows: label, p50, p95, p99. */
export function latencyRows({ latencyMs, ttftMs }: Assessment): string[][] {
  const of = (label: string, p: Percentiles | null) => (p ? [[label, ms(p.p50), ms(p.p95), ms(p.p99)]] : []);
  return [...of('Latency', latencyMs), ...of('TTFT', ttftMs)];
}

/** What was asked with `--fail-under`, and the answer. */
export function thresholdFact({ threshold }: Assessment): Fact[] {
  return threshold
    ? [{ label: 'Threshold', text: `${threshold.verdict}: ${clean(threshold.reason)}`, strong: true }]
    : [];
}

const SIDES = {
  current: 'no current price',
  target: 'no price at the target',
  both: 'no price on either side',
  tokens: 'no token counts in the logs',
} as const;

/** The models that are left out, each with its share of the tokens. */
export function unpricedFacts({ unpriced }: Assessment): Fact[] {
  return unpriced.map((one) => ({
    label: 'Unpriced',
    text: `${clean(one.model)}: ${SIDES[one.missing]}, left out${one.missing === 'tokens' ? '' : ` (${share(one.share)} of the tokens)`}`,
  }));
}
