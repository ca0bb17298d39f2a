import type { Assessment } from '../../assess/assessment.ts';
import { clean } from '../../clean.ts';
import { costFacts, latencyRows, thresholdFact, trafficFacts, unpricedFacts } from './facts.ts';
import { type Currency, count, moneyIn, ms } from './numbers.ts';

/** As many models and groups are listed: a step summary has a size limit. */
const MAX_ROWS = 100;

/** The assessment as GitHub-flavoured Markdown. */
export function assessmentMarkdown(assessment: Assessment, currency: Currency | undefined): string {
  const money = moneyIn(currency);
  const dash = (usd: number | null) => (usd === null ? '–' : money(usd));
  const { recommendation, models, groups, notes } = assessment;
  const facts = [...trafficFacts(assessment), ...costFacts(assessment, money)];
  const latency = latencyRows(assessment);
  const remarks = [...unpricedFacts(assessment).map(({ text }) => text), ...notes];
  const parts = [
    '## Migration assessment',
    // What was asked comes first: a level is no answer to it.
    ...thresholdFact(assessment).map(({ label, text }) => `**${label}** ${cell(text)}`),
    `**${recommendation.level ?? 'No recommendation'}**: ${cell(recommendation.reason)}`,
    table(
      ['', ''],
      facts.map(({ label, text, strong }) => [cell(label), strong ? `**${cell(text)}**` : cell(text)]),
    ),
    latency.length === 0 ? '' : table(['', 'p50', 'p95', 'p99'], latency, 1),
    table(
      ['Model', 'At target', 'Requests', 'Tokens', 'p95', 'Now', 'Projected'],
      models
        .slice(0, MAX_ROWS)
        .map((one) => [
          code(one.model),
          one.targetModel === null ? '–' : code(one.targetModel),
          count(one.requests),
          count(one.tokens),
          one.latencyMs ? ms(one.latencyMs.p95) : '–',
          dash(one.currentUsd),
          dash(one.projectedUsd),
        ]),
      2,
    ),
    groups
      ? table(
          [`By ${groups.by}`, 'Requests', 'Errors', 'Tokens', 'p50', 'p95', 'Now', 'Projected'],
          groups.groups
            .slice(0, MAX_ROWS)
            .map((one) => [
              code(one.key),
              count(one.requests),
              count(one.errors),
              count(one.tokens),
              one.latencyMs ? ms(one.latencyMs.p50) : '–',
              one.latencyMs ? ms(one.latencyMs.p95) : '–',
              dash(one.currentUsd),
              dash(one.projectedUsd),
            ]),
          1,
        )
      : '',
    remarks.map((text) => `- ${cell(text)}`).join('\n'),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
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

/** Text that cannot break out of a table cell, nor become markup or a mention. */
function cell(text: string): string {
  return clean(text, 400).replace(/[\\`*_[\]<>|#@]/g, (character) =>
    character === '@' ? '&#64;' : character === '<' ? '&lt;' : `\\${character}`,
  );
}

/** A name as code; a code span ends at a backtick, so none may be inside. */
function code(name: string): string {
  return `\`${clean(name).replaceAll('`', "'").replaceAll('|', '\\|')}\``;
}
