import { existsSync, readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { assess } from '../assess/assess.ts';
import type { Assessment } from '../assess/assessment.ts';
import { isAllConfigured, type PriceSide, type Target } from '../assess/prices.ts';
import { createTaker } from '../assess/taker.ts';
import type { Tally } from '../assess/tally.ts';
import { clean } from '../clean.ts';
import type { LoadedConfig } from '../config/load.ts';
import { configPath } from '../config/path.ts';
import type { Config } from '../config/schema.ts';
import { CutoverError, EXIT, messageOf } from '../errors.ts';
import { CATALOGUE_BANDS, withTiers } from '../pricing/bands.ts';
import { configBook, type PriceBook } from '../pricing/book.ts';
import type { PriceFile } from '../pricing/price-file.ts';
import type { Crew } from '../usage/fast/crew.ts';
import { findInputs, type InputFile } from '../usage/inputs.ts';
import { createIntake, type Intake, largestFirst, MAX_SAMPLES } from '../usage/intake.ts';
import type { ReadOptions, SourceSummary } from '../usage/read.ts';
import { createRejectFile, overlaps, readAll } from '../usage/read-all.ts';
import { createZone } from '../usage/zone.ts';
import { assessCrew } from './assess-crew.ts';
import { formatLines, formatsOf, listFormats, suggestedMap } from './assess-formats.ts';
import { type AssessOptions, planOf } from './assess-options.ts';
import { output } from './assess-output.ts';
import { showProgress } from './assess-progress.ts';
import { hasSource, readSourceTable } from './assess-source.ts';
import { assessFast } from './assess-threads.ts';
import type { Context } from './context.ts';
import { widthOf } from './style.ts';

/** Days are drawn with this seed: the same log gives the same interval of the percentage. */
const SEED = 1;

/**
 * Reads the logs, assesses them and prints the report.
 * @param ahead threads that were started already.
 * @throws CutoverError for faulty options (64), inputs (65), no data (3) and config (78).
 */
export async function runAssess(
  files: string[],
  options: AssessOptions,
  ctx: Context,
  ahead?: Crew<Tally>,
): Promise<void> {
  if (options.listFormats) {
    const list = await listFormats();
    if (options.json) ctx.document({ schemaVersion: 1, command: 'assess', ...list }, 2);
    else ctx.print(formatLines(list, widthOf(ctx)).join('\n'));
    return;
  }
  const fromSource = hasSource(options, files);
  if (files.length === 0 && !fromSource) {
    throw new CutoverError('NO_INPUT', EXIT.usage, 'no usage log is named', {
      hint: 'name files or folders, or - for stdin: cutover assess usage.jsonl',
    });
  }
  const inputs = findInputs(files, ctx.cwd, ({ name, what }) =>
    ctx.note(`cutover: ${clean(name)} is ${what}: passed over`),
  );
  if (options.suggestMap) {
    const suggestion = await suggestedMap(inputs, ctx);
    if (options.json) ctx.document({ schemaVersion: 1, command: 'assess', suggestion }, 2);
    else ctx.print((await import('../usage/suggest-map.ts')).suggestionText(suggestion));
    return;
  }
  const inOrder = options.dedupe === true || options.rejects !== undefined;
  const crew = ahead ?? (inOrder ? undefined : assessCrew<Tally>(inputs.map(({ path }) => path)));
  const loaded = await findConfig(options, ctx);
  const config = loaded?.config;
  const zone = createZone(options.timezone ?? config?.assess.timezone ?? 'UTC');
  const now = ctx.now().getTime();
  const plan = planOf(options, now, zone);
  const formats = await formatsOf(options, config, ctx);
  const priceFile = await loadPriceFile(options, loaded, ctx);

  const drifts = Object.values(config?.assess.tokenDrift ?? {});
  const rules = {
    bands: withTiers(CATALOGUE_BANDS, priceFile?.tierStarts ?? [], drifts),
    selection: plan.selection,
    dedupe: options.dedupe === true,
    by: plan.by,
    timezone: zone.name,
  };
  const { tally, ...taker } = createTaker(rules);
  const intake = createIntake();
  // Without a config every price is the catalogue's: it is loaded while the threads read.
  const catalogue = crew && !config && !priceFile ? loadPrices() : undefined;
  const summaries = fromSource
    ? await readSourceTable({ plan, dedupe: rules.dedupe, zone, tally, intake }, loaded, ctx)
    : await readInputs(
        inputs,
        { formats, intake, fast: assessFast(crew, rules, tally), ...taker },
        crew,
        options,
        ctx,
      );
  const partial = ctx.signal.aborted;
  showRejects(intake, ctx);
  if (partial && intake.used === 0) throw ctx.signal.reason;
  requireData(intake, plan.maxBad);

  const assessment = assess({
    tally,
    intake,
    ...(await sides(config, tally, priceFile, () => catalogue ?? loadPrices())),
    whatIf: plan.whatIf,
    thresholds: { high: (config?.assess.high ?? 0.3) * 100, medium: (config?.assess.medium ?? 0.15) * 100 },
    failUnder: plan.failUnder,
    by: plan.by,
    zone,
    cut: plan.selection,
    migration: migrationOf(config),
    partial,
    now,
    seed: SEED,
    notes: notesOn(summaries, config, options, partial),
  });
  await output({ assessment, tally, currency: config?.assess.currency }, plan.report, options, ctx);
  judge(assessment, options, ctx);
}

async function findConfig(options: AssessOptions, ctx: Context): Promise<LoadedConfig | undefined> {
  const { path, asked } = configPath(ctx.cwd, options.config, ctx.env);
  // Without a config, what reads one is not loaded.
  if (!asked && !existsSync(path)) return undefined;
  const [{ loadConfig }, { secretsOf }] = await Promise.all([
    import('../config/load.ts'),
    import('./secrets.ts'),
  ]);
  const loaded = loadConfig(path);
  secretsOf(ctx, loaded);
  return loaded;
}

/** A path in the config starts at the config, one on the command line where the user is. */
async function loadPriceFile(
  options: AssessOptions,
  loaded: LoadedConfig | undefined,
  ctx: Context,
): Promise<PriceFile | undefined> {
  const configured = loaded?.config.assess.catalogue;
  const path =
    options.catalogue !== undefined
      ? resolve(ctx.cwd, options.catalogue)
      : configured !== undefined && loaded
        ? resolve(loaded.dir, configured)
        : undefined;
  if (path === undefined) return undefined;
  const { parsePriceFile } = await import('../pricing/price-file.ts');
  const name = options.catalogue ?? configured ?? path;
  try {
    const written = statSync(path).mtime.toISOString().slice(0, 10);
    return parsePriceFile(readFileSync(path, 'utf8'), name, written);
  } catch (cause) {
    if (cause instanceof CutoverError) throw cause;
    throw new CutoverError('PRICE_FILE', EXIT.config, `${name}: cannot be read: ${messageOf(cause)}`, {
      cause,
    });
  }
}

async function readInputs(
  inputs: readonly InputFile[],
  reading: Pick<ReadOptions, 'formats' | 'intake' | 'accept' | 'bundles' | 'fast'>,
  crew: Crew<Tally> | undefined,
  options: AssessOptions,
  ctx: Context,
): Promise<SourceSummary[]> {
  const rejects =
    options.rejects === undefined ? undefined : createRejectFile(resolve(ctx.cwd, options.rejects));
  const progress = showProgress(ctx);
  try {
    return await readAll({
      inputs,
      stdin: () => ctx.stdin,
      ...reading,
      ...(rejects ? { onReject: rejects.add } : {}),
      onProgress: progress.update,
      signal: ctx.signal,
    });
  } finally {
    progress.done();
    rejects?.close();
    void crew?.dismiss();
  }
}

/** The first unusable records by place, and all of them by reason. */
function showRejects(intake: Intake, ctx: Context): void {
  if (intake.rejected === 0) return;
  for (const { source, line, element, reason } of intake.samples) {
    const which = element === undefined ? '' : ` [${element}]:`;
    ctx.note(`${clean(source)}:${line}:${which} ${clean(reason)}`);
  }
  if (intake.rejected > MAX_SAMPLES)
    ctx.note(`and ${intake.rejected - MAX_SAMPLES} more unusable records; by reason:`);
  for (const [reason, count] of largestFirst(intake.rejectedByReason))
    ctx.note(`  ${count} × ${clean(reason)}`);
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
  if (intake.used > 0) return;
  const reasons = largestFirst(intake.filteredByReason)
    .map(([reason, count]) => `${count} ${reason}`)
    .join(', ');
  throw new CutoverError('NO_DATA', EXIT.inconclusive, `no records to assess (${account})`, {
    hint: reasons === '' ? undefined : `filtered: ${reasons}`,
  });
}

async function loadPrices(): Promise<PriceBook> {
  const { loadCatalogue } = await import('../pricing/catalogue.ts');
  return loadCatalogue();
}

/** Both sides' prices. The catalogue is loaded only when the config leaves a model without a price. */
async function sides(
  config: Config | undefined,
  tally: Tally,
  priceFile: PriceFile | undefined,
  load: () => Promise<PriceBook>,
): Promise<{ legacy: PriceSide; target: Target | undefined }> {
  const side = (provider: Config['providers']['legacy'] | undefined): PriceSide => ({
    configured: provider && configBook(provider.prices),
    catalogue: priceFile?.book,
    provider: provider?.name,
    baseUrl: provider?.baseUrl,
  });
  const legacy = side(config?.providers.legacy);
  const target = config && {
    side: side(config.providers.target),
    models: config.models,
    tokenDrift: config.assess.tokenDrift,
  };
  if (priceFile || isAllConfigured(tally.models, legacy, target)) return { legacy, target };
  const catalogue = await load();
  return {
    legacy: { ...legacy, catalogue },
    target: target && { ...target, side: { ...target.side, catalogue } },
  };
}

function migrationOf(config: Config | undefined): { stages: number; margin: number } | undefined {
  if (!config) return undefined;
  const { errors, invalid } = config.canary.guardrails;
  const margins = [errors?.margin, invalid?.margin].filter((margin) => margin !== undefined && margin > 0);
  return margins.length === 0
    ? undefined
    : { stages: config.ladder.length, margin: Math.min(...(margins as number[])) };
}

function notesOn(
  summaries: readonly SourceSummary[],
  config: Config | undefined,
  options: AssessOptions,
  partial: boolean,
): string[] {
  const notes = new Set<string>();
  if (partial) notes.add('Interrupted: the figures are of what was read until then.');
  for (const { format, lacks, caveat, warnings = [] } of summaries) {
    if (format && lacks) notes.add(`${format} logs hold no ${lacks}.`);
    if (caveat) notes.add(caveat);
    for (const warning of warnings) notes.add(clean(warning, 400));
  }
  const pairs = options.dedupe ? [] : overlaps(summaries);
  for (const [one, other] of pairs.slice(0, 3)) {
    notes.add(
      `${clean(one)} and ${clean(other)} are of the same time: if they hold the same requests, use --dedupe.`,
    );
  }
  if (pairs.length > 3) notes.add(`${pairs.length - 3} more pairs of files are of the same time.`);
  if (!config) {
    notes.add('Without a config there is no target: name its prices in cutover.yaml for a projection.');
  }
  return [...notes];
}

/** The exit code: partial figures are judged by nothing, and missing ones are inconclusive, whatever was asked. */
function judge(assessment: Assessment, options: AssessOptions, ctx: Context): void {
  if (options.strictPrices && assessment.unpriced.length > 0) {
    const names = assessment.unpriced.slice(0, 5).map(({ model }) => clean(model));
    throw new CutoverError('UNPRICED', EXIT.input, `models without a price: ${names.join(', ')}`, {
      hint: 'give their prices in providers.*.prices of the config, or leave --strict-prices out',
    });
  }
  const { threshold, partial } = assessment;
  if (threshold && threshold.verdict !== 'PASS') {
    ctx.note(`cutover: ${threshold.reason}`);
    ctx.exit(threshold.verdict === 'FAIL' ? EXIT.fail : EXIT.inconclusive);
  }
  if (partial) ctx.exit(EXIT.interrupted);
}
