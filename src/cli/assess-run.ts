import { existsSync } from 'node:fs';
import { assess } from '../assess/assess.ts';
import type { Assessment } from '../assess/assessment.ts';
import { isConfigured, type PriceSide } from '../assess/cost.ts';
import { addRecord, createTally, type Tally } from '../assess/tally.ts';
import type { Config } from '../config/schema.ts';
import { didYouMean } from '../config/suggest.ts';
import { parseShare } from '../config/units.ts';
import { CutoverError, EXIT } from '../errors.ts';
import { CATALOGUE_BANDS } from '../pricing/bands.ts';
import { configBook, type PriceBook, targetModelOf } from '../pricing/book.ts';
import { clean, jsonText } from '../report/clean.ts';
import { FORMATS } from '../usage/formats/index.ts';
import { findInputs } from '../usage/inputs.ts';
import { createIntake, type Intake, MAX_SAMPLES } from '../usage/intake.ts';
import { readSource, type SourceSummary } from '../usage/read.ts';
import { openSource } from '../usage/source.ts';
import type { Context, GlobalOptions } from './context.ts';

export interface AssessOptions extends GlobalOptions {
  report: string;
  maxBad: string;
}

const REPORTS = ['table', 'markdown', 'json'];
const DAY_MS = 86_400_000;

/**
 * Reads the logs, assesses them and prints the report.
 * @throws CutoverError for faulty options (64), inputs (65), no data (3) and config (78).
 */
export async function runAssess(files: string[], options: AssessOptions, ctx: Context): Promise<void> {
  const report = options.json ? 'json' : options.report;
  if (!REPORTS.includes(report)) {
    throw new CutoverError('UNKNOWN_REPORT', EXIT.usage, `unknown report ${clean(report)}`, {
      hint: didYouMean(report, REPORTS),
    });
  }
  const maxBad = parseShare(options.maxBad);
  if (maxBad === undefined || maxBad > 1) {
    throw new CutoverError('BAD_OPTION', EXIT.usage, `--max-bad ${clean(options.maxBad)} is not a share`, {
      hint: 'write it like 1% or 0.01',
    });
  }
  const config = await findConfig(options, ctx);

  const tally = createTally(CATALOGUE_BANDS);
  const intake = createIntake();
  const summaries = await readAll(files, tally, intake, ctx);
  showRejects(intake, ctx);
  requireData(intake, maxBad);

  const assessment = assess({
    tally,
    intake,
    ...(await sides(config, tally)),
    now: ctx.now().getTime(),
    notes: notesOn(summaries, config),
  });
  ctx.print(await render(assessment, report, options, ctx));
}

async function findConfig(options: AssessOptions, ctx: Context): Promise<Config | undefined> {
  const { configPath, loadConfig } = await import('../config/load.ts');
  const { path, asked } = configPath(ctx.cwd, options.config, ctx.env);
  return asked || existsSync(path) ? loadConfig(path).config : undefined;
}

async function readAll(
  files: readonly string[],
  tally: Tally,
  intake: Intake,
  ctx: Context,
): Promise<SourceSummary[]> {
  const rules = { groupOf: () => '', dayOf: (at: number) => Math.floor(at / DAY_MS) };
  const summaries: SourceSummary[] = [];
  for (const input of findInputs(files, ctx.cwd)) {
    summaries.push(
      await readSource(openSource(input, ctx.stdin), {
        formats: FORMATS,
        intake,
        accept: (record) => {
          addRecord(tally, record, rules);
          return undefined;
        },
        signal: ctx.signal,
      }),
    );
  }
  return summaries;
}

/** The first unusable records by place, and all of them by reason. */
function showRejects(intake: Intake, ctx: Context): void {
  if (intake.rejected === 0) return;
  for (const { source, line, reason } of intake.samples) {
    ctx.note(`${clean(source)}:${line}: ${clean(reason)}`);
  }
  if (intake.rejected > MAX_SAMPLES)
    ctx.note(`and ${intake.rejected - MAX_SAMPLES} more unusable records; by reason:`);
  for (const [reason, count] of intake.rejectedByReason) ctx.note(`  ${count} × ${clean(reason)}`);
}

function requireData(intake: Intake, maxBad: number): void {
  const account = `${intake.read} read = ${intake.used} used + ${intake.filtered} filtered + ${intake.rejected} rejected`;
  if (intake.rejected > maxBad * intake.read) {
    const share = ((intake.rejected / intake.read) * 100).toFixed(1);
    throw new CutoverError(
      'TOO_MANY_REJECTS',
      EXIT.input,
      `${share} % of the records are unusable (${account})`,
      {
        hint: `more than ${maxBad * 100} % is refused; mend the log, or allow more with --max-bad`,
      },
    );
  }
  if (intake.used === 0) {
    throw new CutoverError('NO_DATA', EXIT.inconclusive, `no records to assess (${account})`);
  }
}

/** Both sides' prices. The catalogue is loaded only when the config leaves a model without a price. */
async function sides(
  config: Config | undefined,
  tally: Tally,
): Promise<{ legacy: PriceSide; target: { side: PriceSide; models: Record<string, string> } | undefined }> {
  const side = (provider: Config['providers']['legacy'] | undefined): PriceSide => ({
    configured: provider && configBook(provider.prices),
    catalogue: undefined,
    provider: provider?.name,
    baseUrl: provider?.baseUrl,
  });
  const legacy = side(config?.providers.legacy);
  const target = config && { side: side(config.providers.target), models: config.models };
  const models = new Set([...tally.series.values()].map((series) => series.model));
  const unknown = [...models].some(
    (model) =>
      !isConfigured(legacy, model) ||
      (target && !isConfigured(target.side, targetModelOf(target.models, model))),
  );
  if (!unknown) return { legacy, target };
  const { loadCatalogue } = await import('../pricing/catalogue.ts');
  const catalogue: PriceBook = await loadCatalogue();
  return {
    legacy: { ...legacy, catalogue },
    target: target && { ...target, side: { ...target.side, catalogue } },
  };
}

function notesOn(summaries: readonly SourceSummary[], config: Config | undefined): string[] {
  const notes = new Map<string, string>();
  for (const { format, lacks } of summaries) {
    if (format && lacks) notes.set(format, `${format} logs hold no ${lacks}.`);
  }
  const all = [...notes.values()];
  if (!config) {
    all.push('Without a config there is no target: name its prices in cutover.yaml for a projection.');
  }
  return all;
}

async function render(
  assessment: Assessment,
  report: string,
  options: AssessOptions,
  ctx: Context,
): Promise<string> {
  if (report === 'json') return jsonText(assessment);
  if (report === 'markdown') {
    const { assessmentMarkdown } = await import('../report/assessment/markdown.ts');
    return assessmentMarkdown(assessment);
  }
  const [{ assessmentTable }, { Chalk }] = await Promise.all([
    import('../report/assessment/table.ts'),
    import('chalk'),
  ]);
  const colour = options.color && !ctx.env.NO_COLOR && (ctx.terminal.stdout || Boolean(ctx.env.FORCE_COLOR));
  return assessmentTable(
    assessment,
    new Chalk({ level: colour ? 1 : 0 }),
    Math.min(ctx.terminal.columns, 100),
  );
}
