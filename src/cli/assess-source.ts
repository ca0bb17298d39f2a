import { CURVE_SHARES } from '../assess/curves.ts';
import { groupKey } from '../assess/groups.ts';
import { PERCENTILE_SHARES } from '../assess/spreads.ts';
import { addSpreads, addSum } from '../assess/sums.ts';
import type { Tally } from '../assess/tally.ts';
import { clean } from '../clean.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { ClickHouseConfig } from '../config/schema.ts';
import type { Secrets } from '../config/secrets.ts';
import { didYouMean } from '../config/suggest.ts';
import { CutoverError, EXIT } from '../errors.ts';
import { type Intake, mergeIntake } from '../usage/intake.ts';
import type { SourceSummary } from '../usage/read.ts';
import { AFTER_UNTIL, BEFORE_SINCE, WITHOUT_TIME } from '../usage/select.ts';
import type { Zone } from '../usage/zone.ts';
import type { AssessOptions, AssessPlan } from './assess-options.ts';
import type { Context } from './context.ts';

const SOURCES = ['clickhouse'];

/**
 * Whether the records are to be asked of a database (`--source`) and not read from files.
 * @throws CutoverError BAD_OPTION (exit 64) for an unknown source and for flags that only mean something for files.
 */
export function hasSource(options: AssessOptions, files: readonly string[]): boolean {
  const { source } = options;
  if (source === undefined) return false;
  const bad = (message: string, hint?: string) =>
    new CutoverError('BAD_OPTION', EXIT.usage, message, { hint });
  if (!SOURCES.includes(source)) throw bad(`unknown --source ${clean(source)}`, didYouMean(source, SOURCES));
  if (files.length > 0) throw bad('--source and files exclude each other', 'assess one, then the other');
  const { format, map, suggestMap, rejects } = options;
  for (const [flag, value] of Object.entries({ format, map, 'suggest-map': suggestMap, rejects })) {
    if (value !== undefined) throw bad(`--${flag} is for files, not for --source ${source}`);
  }
  return true;
}

/** Everything that a source is asked. */
export interface SourceQuestion {
  plan: AssessPlan;
  dedupe: boolean;
  zone: Zone;
  tally: Tally;
  intake: Intake;
}

/**
 * Has ClickHouse add up the table of `usage.clickhouse` and takes the sums in.
 * @throws CutoverError CONFIG_INVALID, SECRET_MISSING, CLICKHOUSE_* (exit 69, 78).
 */
export async function readSourceTable(
  { plan, dedupe, zone, tally, intake }: SourceQuestion,
  loaded: LoadedConfig | undefined,
  ctx: Context,
): Promise<SourceSummary[]> {
  const table = loaded?.config.usage.clickhouse;
  if (!loaded || !table) {
    throw new CutoverError(
      'CONFIG_INVALID',
      EXIT.config,
      '--source clickhouse needs usage.clickhouse in the config',
      {
        hint: 'usage: { clickhouse: { url: http://127.0.0.1:8123, table: llm_requests } }',
      },
    );
  }
  const [{ secretsOf }, { createClickHouse }, { readTable }] = await Promise.all([
    import('./secrets.ts'),
    import('../usage/clickhouse/client.ts'),
    import('../usage/clickhouse/read.ts'),
  ]);
  const run = createClickHouse({
    ...credentials(table, secretsOf(ctx, loaded)),
    timeoutMs: table.timeout,
    signal: ctx.signal,
  });
  const { selection, by } = plan;
  const question = { ...selection, dedupe, by, timezone: zone.name, bands: tally.bands };
  const shares = [...new Set([...PERCENTILE_SHARES, ...CURVE_SHARES])];
  const reasons = { absent: WITHOUT_TIME, before: BEFORE_SINCE, after: AFTER_UNTIL };
  const usage = await readTable(run, table, question, shares, reasons);

  const rules = { groupOf: groupKey(by, zone), dayOf: zone.dayOf };
  for (const sum of usage.sums) addSum(tally, sum, rules);
  addSpreads(tally, usage.spreads, by === undefined ? undefined : rules.groupOf);
  mergeIntake(intake, usage.intake);
  const name = `${table.database}.${table.table}`;
  return [
    { name, format: 'clickhouse', lacks: undefined, caveat: undefined, from: tally.from, to: tally.to },
  ];
}

function credentials(table: ClickHouseConfig, secrets: Secrets) {
  const resolved = (text: string | undefined, key: string) =>
    text === undefined ? undefined : secrets.resolve(text, `usage.clickhouse.${key}`);
  return {
    url: secrets.resolve(table.url, 'usage.clickhouse.url'),
    user: resolved(table.user, 'user'),
    password: resolved(table.password, 'password'),
    redact: secrets.redact,
  };
}
