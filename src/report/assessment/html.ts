import type { Assessment } from '../../assess/assessment.ts';
import type { LatencyCurve } from '../../assess/curves.ts';
import { costChart, dailyCostChart, latencyChart, requestChart } from './charts.ts';
import { costFacts, type Fact, latencyRows, thresholdFact, trafficFacts, unpricedFacts } from './facts.ts';
import { type Currency, count, moneyIn, ms } from './numbers.ts';
import { html } from './svg.ts';

const MAX_ROWS = 200;

/** The assessment as one HTML file: no scripts, nothing loaded from anywhere, light or dark as the reader has it. */
export function assessmentHtml(
  assessment: Assessment,
  curves: readonly LatencyCurve[],
  currency: Currency | undefined,
): string {
  const money = moneyIn(currency);
  const dash = (usd: number | null) => (usd === null ? '–' : money(usd));
  const { recommendation, models, groups, days, notes } = assessment;
  const remarks = [...unpricedFacts(assessment).map(({ text }) => text), ...notes];
  const sections = [
    section('Cost', factList(costFacts(assessment, money))),
    section('Traffic', factList(trafficFacts(assessment))),
    section(
      'Latency of successful requests',
      [latencyChart(curves), table(['', 'p50', 'p95', 'p99'], latencyRows(assessment))].join(''),
    ),
    section(
      'Models',
      [
        costChart(models, money),
        table(
          ['Model', 'At target', 'Requests', 'Errors', 'Tokens', 'p50', 'p95', 'p99', 'Now', 'Projected'],
          models
            .slice(0, MAX_ROWS)
            .map((one) => [
              one.model,
              one.targetModel ?? '–',
              count(one.requests),
              count(one.errors),
              count(one.tokens),
              ...(one.latencyMs
                ? [ms(one.latencyMs.p50), ms(one.latencyMs.p95), ms(one.latencyMs.p99)]
                : ['–', '–', '–']),
              dash(one.currentUsd),
              dash(one.projectedUsd),
            ]),
          2,
        ),
      ].join(''),
    ),
    section('Requests by day', requestChart(days)),
    section('Cost by day', dailyCostChart(days, money)),
    groups
      ? section(
          `By ${groups.by}`,
          table(
            [groups.by, 'Requests', 'Errors', 'Tokens', 'p50', 'p95', 'Now', 'Projected'],
            groups.groups
              .slice(0, MAX_ROWS)
              .map((one) => [
                one.key,
                count(one.requests),
                count(one.errors),
                count(one.tokens),
                one.latencyMs ? ms(one.latencyMs.p50) : '–',
                one.latencyMs ? ms(one.latencyMs.p95) : '–',
                dash(one.currentUsd),
                dash(one.projectedUsd),
              ]),
          ),
        )
      : '',
    section(
      'Notes',
      remarks.length === 0 ? '' : `<ul>${remarks.map((text) => `<li>${html(text)}</li>`).join('')}</ul>`,
    ),
  ];
  const level = recommendation.level ?? 'none';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Migration assessment</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Migration assessment</h1>
${thresholdFact(assessment)
  .map(
    ({ label, text }) =>
      `<p class="advice ${assessment.threshold?.verdict === 'PASS' ? 'high' : 'low'}"><strong>${html(label)}</strong> ${html(text)}</p>`,
  )
  .join('')}
<p class="advice ${level.toLowerCase()}"><strong>${html(level === 'none' ? 'No recommendation' : level)}</strong> ${html(recommendation.reason)}</p>
${sections.filter((part) => part !== '').join('\n')}
</main>
</body>
</html>`;
}

function section(title: string, content: string): string {
  return content === '' ? '' : `<section><h2>${html(title)}</h2>${content}</section>`;
}

function factList(facts: readonly Fact[]): string {
  const rows = facts.map(({ label, text, strong }) => {
    const said = strong ? `<strong>${html(text)}</strong>` : html(text);
    return `<tr><th scope="row">${html(label)}</th><td>${said}</td></tr>`;
  });
  return rows.length === 0 ? '' : `<table class="facts">${rows.join('')}</table>`;
}

/** @param names how many columns are names; the others are numbers. */
function table(titles: readonly string[], rows: readonly (readonly string[])[], names = 1): string {
  if (rows.length === 0) return '';
  const of = (tag: string, cells: readonly string[]) =>
    `<tr>${cells.map((text, i) => `<${tag}${i < names ? '' : ' class="number"'}>${html(text)}</${tag}>`).join('')}</tr>`;
  return `<div class="wide"><table><thead>${of('th', titles)}</thead><tbody>${rows.map((row) => of('td', row)).join('')}</tbody></table></div>`;
}

const STYLE = `
:root { color-scheme: light dark; --paper: #fff; --ink: #1c2330; --faint: #5b6472; --rule: #e1e5ea;
  --c0: #2f6fb5; --c1: #2a9d6f; --c2: #b8651b; --c3: #c23b4b; --c4: #7a55b5; --c5: #5f6b7a; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181f; --ink: #e4e8ee; --faint: #9aa4b2; --rule: #2b323d;
  --c0: #6aa9ec; --c1: #58cf9d; --c2: #e8a15c; --c3: #f07f8c; --c4: #b79aeb; --c5: #a9b4c2; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1000px; margin: 0 auto; padding: 24px 16px 48px; }
h1 { font-size: 22px; margin: 0 0 12px; } h2 { font-size: 16px; margin: 32px 0 8px; }
.advice { border-left: 4px solid var(--c5); padding: 8px 12px; margin: 0; }
.advice.high { border-color: var(--c1); } .advice.medium { border-color: var(--c2); } .advice.low { border-color: var(--c3); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 3px 14px 3px 0; vertical-align: top; } th { font-weight: 600; color: var(--faint); }
thead th { border-bottom: 1px solid var(--rule); } .number { text-align: right; white-space: nowrap; }
.wide { overflow-x: auto; margin-top: 12px; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 16px; padding: 0; margin: 8px 0; font-size: 13px; }
svg { display: block; width: 100%; height: auto; } .legend svg { display: inline-block; width: 12px; height: 12px; }
svg text { font: 12px system-ui, sans-serif; fill: var(--faint); } .rule { stroke: var(--rule); }
.line { fill: none !important; stroke-width: 2; }
${Array.from({ length: 6 }, (_, i) => `.c${i} { fill: var(--c${i}); } .line.c${i} { stroke: var(--c${i}); }`).join('\n')}
@media print { main { max-width: none; } }
`;
