import type { Assessment } from '../../assess/assessment.ts';
import type { Percentiles } from '../../assess/percentile.ts';
import { clean } from '../clean.ts';
import { count, counted, days, ms, percent, share, usd } from './numbers.ts';

/** The assessment as GitHub-flavoured Markdown. */
export function assessmentMarkdown(assessment: Assessment): string {
  const { period, records, requests, tokens, cost, savings, recommendation } = assessment;
  const facts: [string, string][] = [];
  if (period.from !== null && period.to !== null) {
    const length = period.days === null ? '' : ` (${days(period.days)})`;
    facts.push(['Period', `${period.from} to ${period.to}${length}`]);
  }
  facts.push(
    [
      'Records',
      `${count(records.read)} read = ${count(records.used)} used + ${count(records.filtered)} filtered + ${count(records.rejected)} rejected`,
    ],
    ['Requests', `${count(requests.total)}: ${count(requests.ok)} ok, ${counted(requests.errors, 'error')}`],
    [
      'Tokens',
      `${count(tokens.total)}${tokens.dailyAverage === null ? '' : `, ${count(tokens.dailyAverage)} a day`}`,
    ],
  );
  const latency = (label: string, p: Percentiles | null) => {
    if (p) facts.push([label, `p50 ${ms(p.p50)}, p95 ${ms(p.p95)}, p99 ${ms(p.p99)}`]);
  };
  latency('Latency', assessment.latencyMs);
  latency('TTFT', assessment.ttftMs);
  const each = (inPeriod: number | null, monthly: number | null) =>
    monthly !== null ? `${usd(monthly)} a month` : inPeriod === null ? undefined : usd(inPeriod);
  const money = (label: string, text: string | undefined) => {
    if (text !== undefined) facts.push([label, text]);
  };
  money('Cost now', each(cost.currentUsd, cost.monthlyCurrentUsd));
  money('Cost projected', each(cost.projectedUsd, cost.monthlyProjectedUsd));
  const saved = each(savings.periodUsd, savings.monthlyUsd);
  if (saved) {
    money('Savings', `**${saved}**${savings.percent === null ? '' : ` (${percent(savings.percent)})`}`);
  }

  const parts = [
    '## Migration assessment',
    `**${recommendation.level ?? 'No recommendation'}**: ${cell(recommendation.reason)}`,
    table(['', ''], facts),
    table(
      ['Model', 'At target', 'Requests', 'Tokens', 'p95', 'Now', 'Projected'],
      assessment.models.map((one) => [
        code(one.model),
        one.targetModel === null ? '–' : code(one.targetModel),
        count(one.requests),
        count(one.tokens),
        one.latencyMs ? ms(one.latencyMs.p95) : '–',
        one.currentUsd === null ? '–' : usd(one.currentUsd),
        one.projectedUsd === null ? '–' : usd(one.projectedUsd),
      ]),
      2,
    ),
    ...assessment.unpriced.map(
      (one) => `- ${code(one.model)} has no price and is left out (${share(one.share)} of the tokens).`,
    ),
    ...assessment.notes.map((note) => `- ${cell(note)}`),
  ];
  return parts
    .join('\n\n')
    .replace(/\n\n- /g, '\n- ')
    .replace(/\|\n- /, '|\n\n- ');
}

/** @param leftColumns how many columns are text; the others are numbers and stand to the right. */
function table(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  leftColumns = titles.length,
): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = titles.map((_, i) => (i < leftColumns ? '---' : '---:'));
  return [line(titles), line(rule), ...rows.map(line)].join('\n');
}

/** Text that cannot break out of a table cell, nor become markup. */
function cell(text: string): string {
  return clean(text).replace(/[\\`*_[\]<>|#]/g, (character) => `\\${character}`);
}

/** A name as code; a code span ends at a backtick, so none may be inside. */
function code(name: string): string {
  return `\`${clean(name).replaceAll('`', "'").replaceAll('|', '\\|')}\``;
}
