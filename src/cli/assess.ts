import type { Command } from 'commander';
import type { Tally } from '../assess/tally.ts';
import type { Crew } from '../usage/fast/crew.ts';
import type { AssessOptions } from './assess-options.ts';
import type { Context } from './context.ts';

const EXAMPLES = `
Examples:
  cutover assess usage.jsonl
  cutover assess logs/ --last 30d --by day
  gzip -dc usage.jsonl.gz | cutover assess - --json
  cutover assess export.csv --suggest-map > map.yaml
  cutover assess export.csv --map map.yaml --html report.html
  cutover assess --source clickhouse --last 30d
  cutover assess usage.jsonl --cache-hit 70% --fail-under 15`;

/** @param crew threads that were started ahead; the command dismisses them. */
export function register(program: Command, ctx: Context, crew?: Crew<Tally>): void {
  const each = (value: string, earlier: string[]) => [...earlier, value];
  program
    .command('assess')
    .summary('what moving would save, from usage logs')
    .description(
      'Reads usage logs (files, folders, patterns, - for stdin; JSONL, JSON, CSV, Parquet, gzip, zstd) and reports traffic, latency and cost, and what moving to the target would save.',
    )
    .argument('[files...]', 'usage logs')
    .option(
      '--source <name>',
      'ask a database instead of reading files: clickhouse (usage.clickhouse of the config)',
    )
    .option('--format <name>', 'the log format, where the content does not tell')
    .option('--list-formats', 'the log formats, and what each cannot say')
    .option(
      '--map <file>',
      'how to read a log of your own (YAML, like usage.map of the config), or one that comes along: azure-trace, burstgpt, mooncake, posthog, claude-code',
    )
    .option('--suggest-map', 'print such a map to begin with, from the fields of the log')
    .option('--max-bad <share>', 'tolerated share of unusable records', '1%')
    .option('--rejects <file>', 'write every unusable record to this file: source, line, reason')
    .option('--dedupe', 'count records with the same id once')
    .option('--last <time>', 'only the last 30d, 12h, …')
    .option('--since <time>', 'only from then on: 2026-08-01, 2026-08-01T12:00Z, or 30d ago')
    .option('--until <time>', 'only before then')
    .option('--model <name>', 'only this model (* for anything); may be repeated', each, [])
    .option('--provider <name>', 'only this provider; may be repeated', each, [])
    .option('--user <name>', 'only this user; may be repeated', each, [])
    .option('--timezone <name>', 'for days and hours, such as Europe/Berlin (default: UTC)')
    .option('--by <what>', 'also group by model, user, day or hour (of the day)')
    .option('--catalogue <file>', 'a LiteLLM price file or a reply of OpenRouter /models')
    .option('--strict-prices', 'exit 65 when a model has no price')
    .option('--cache-hit <share>', 'what if the target read this share of the input from its cache')
    .option('--batch-share <share>', 'what if this share went as batch requests')
    .option('--growth <percent>', 'what if the traffic grew (or shrank) by this much')
    .option('--fail-under <percent>', 'exit 2 when the savings are smaller')
    .option('--report <kind>', 'table, markdown, html or json', 'table')
    .option('--html <file>', 'also write the report as one HTML file')
    .addHelpText('after', EXAMPLES)
    .action(async (files: string[], _options: unknown, command: Command) => {
      const { runAssess } = await import('./assess-run.ts');
      const options = command.optsWithGlobals<AssessOptions>();
      // An interrupt ends the reading; what was read until then is assessed.
      await ctx.toItsEnd(() => runAssess(files, options, ctx, crew));
    });
}
