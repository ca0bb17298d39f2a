import { setMaxListeners } from 'node:events';
import type { Database } from 'better-sqlite3';
import type { Config } from '../config/schema.ts';
import type { Secrets } from '../config/secrets.ts';
import { CutoverError } from '../errors.ts';
import { storable } from '../output/storable.ts';
import { createClient } from '../provider/client.ts';
import * as store from '../store/canary.ts';
import { buildDocument, type CanaryDocument, type DocumentInput, type Stage } from './document.ts';
import { type Thresholds, thresholds } from './e-test.ts';
import type { MeasuredRun } from './guardrails.ts';
import { healthOf, type Judgement, judge, type ReasonCode, type Tests, updateTests } from './judge.ts';
import type { Baseline, Pair, Sample } from './pair.ts';
import { type Clients, largestCost, type PriceOf, probePairs } from './prober.ts';
import type { Probe } from './probes.ts';
import { baselineP95, mean } from './quantile.ts';
import { canarySettings, configPrices, type Settings } from './settings.ts';

export interface CanaryInput {
  readonly config: Config;
  readonly secrets: Secrets;
  readonly db: Database;
  /** Who runs this, for the history. */
  readonly actor: string;
  readonly probes: readonly Probe[];
  /** Unix milliseconds. */
  now(): number;
  /** Numbers in [0, 1). */
  random(): number;
  readonly signal: AbortSignal;
  /** Pairs a run; the config's without it. */
  readonly pairs?: number | undefined;
  /** The config's prices without it. */
  readonly priceOf?: PriceOf;
  /** What the document calls its command. */
  readonly command?: string;
}

export interface Canary {
  /**
   * One run: probes both sides, updates the stage's evidence, records and gives the verdict. A run id that was
   * recorded before gives its old document and probes nothing.
   * @throws CutoverError INTERRUPTED when the signal fires: an unfinished run leaves no trace.
   */
  check(stage: Stage | null, runId: string): Promise<CanaryDocument>;
  close(): Promise<void>;
}

/** One canary run from beginning to end. @throws as {@link openCanary} and {@link Canary.check}. */
export async function runCheck(
  input: CanaryInput & { readonly stage: Stage | null; readonly runId: string },
): Promise<CanaryDocument> {
  const canary = openCanary(input);
  try {
    return await canary.check(input.stage, input.runId);
  } finally {
    await canary.close();
  }
}

/**
 * A canary for several runs over the same connections.
 * @throws CutoverError CONFIG_INVALID (exit 78) when the settings could give no verdict.
 */
export function openCanary(input: CanaryInput): Canary {
  const fixed = fixedOf(input);
  const { settings, priceOf } = fixed;
  // Every request under way listens to it; that many listeners are no leak.
  setMaxListeners(settings.plan.concurrency + 10, input.signal);
  let clients: Clients | undefined;
  return {
    async check(stage, runId) {
      if (!stage) return noStage(fixed);
      const earlier = store.findRun(input.db, runId);
      if (earlier) return JSON.parse(earlier.document) as CanaryDocument;
      const run: Run = { ...fixed, stage, runId };
      try {
        clients ??= await openClients(input);
      } catch (error) {
        // A key that is missing says nothing about a provider.
        if (error instanceof CutoverError && error.code.startsWith('SECRET_'))
          return recordError(run, 'no_key', error.message);
        throw error;
      }
      const evidence = store.loadEvidence(input.db, stage.id, settings.hash);
      const pairs = await probePairs(settings.plan, clients, priceOf, input.random, input.signal);
      if (pairs === null) throw input.signal.reason;
      return recordPairs(run, pairs, evidence);
    },
    async close() {
      await Promise.all([clients?.legacy.close(), clients?.target.close()]);
    },
  };
}

/**
 * The latest verdict of a stage as it was given, without probing. Without a stage the FAIL that nobody has answered
 * is the word that counts; else the document says that no canary is running, and carries the last run there was.
 * @param fail the document of that FAIL
 */
export function lastDocument(
  input: CanaryInput,
  stage: Stage | null,
  fail: CanaryDocument | null = null,
): CanaryDocument {
  const command = input.command ?? COMMAND;
  if (!stage && fail) {
    return { ...fail, command, explanations: [...fail.explanations, 'no canary is running since'] };
  }
  const document = stage ? stageDocument(fixedOf(input), stage) : noStage(fixedOf(input));
  const last = stage ? null : store.lastRun(input.db);
  return {
    ...document,
    command,
    ...(last ? { last: JSON.parse(last.document) as CanaryDocument } : {}),
    ...(fail && fail.run?.id !== document.run?.id ? { lastFail: fail } : {}),
  };
}

function stageDocument(fixed: Fixed, stage: Stage): CanaryDocument {
  const last = store.latestRun(fixed.input.db, stage.id);
  if (last?.settings === fixed.settings.hash) return JSON.parse(last.document) as CanaryDocument;
  const judgement = last
    ? inconclusive(
        'settings_changed',
        'the settings have changed since the last run; its evidence no longer counts',
      )
    : inconclusive('no_data', 'no canary run in this stage yet');
  return emptyDocument(fixed, stage, judgement);
}

const COMMAND = 'canary check';

interface Fixed {
  readonly input: CanaryInput;
  readonly settings: Settings;
  readonly limits: Thresholds;
  readonly priceOf: PriceOf;
}

function fixedOf(input: CanaryInput): Fixed {
  const priceOf = input.priceOf ?? configPrices(input.config);
  const settings = canarySettings(input.config, input.probes, priceOf, input.pairs);
  return { input, settings, priceOf, limits: thresholds(settings.guardrails.length) };
}

interface Run extends Fixed {
  readonly stage: Stage;
  readonly runId: string;
}

async function openClients({ config, secrets }: CanaryInput): Promise<Clients> {
  return {
    legacy: await createClient(config.providers.legacy, 'legacy', secrets),
    target: await createClient(config.providers.target, 'target', secrets),
  };
}

function recordPairs(run: Run, pairs: readonly Pair[], evidence: store.StageEvidence): CanaryDocument {
  const samples = pairs.flatMap(({ legacy, target }) => [legacy, target]);
  if (samples.length > 0 && samples.every(({ unreachable }) => unreachable)) {
    const why = samples[0]?.message ?? 'no connection';
    return recordError(run, 'unreachable', `neither provider could be reached from here: ${why}`, pairs);
  }
  const { input, settings, limits, stage, runId } = run;
  const { db } = input;
  const counted = evidence.costCapUsd === undefined ? [] : store.stageRuns(db, stage.id).map(fromStore);
  const baseline = baselineOf(run, evidence);
  const health = healthOf(
    pairs,
    counted.flatMap((earlier) => earlier.pairs),
  );
  const tests = updateTests(
    evidence.tests as Tests,
    settings.guardrails,
    { pairs, baseline, health },
    limits,
  );
  const judgement = judge(tests, settings.guardrails, { pairs, baseline, health }, limits);
  const at = input.now();
  const document = documentOf(run, {
    stage,
    judgement,
    tests,
    runs: [...counted, { pairs, baseline, legacyUnhealthy: health.legacyUnhealthy }],
    pairs: evidence.pairs + pairs.length,
    run: { id: runId, at, pairs },
    warnings: clippingWarning(samples, baseline),
  });
  const outcome = store.recordRun(
    db,
    {
      runId,
      actor: input.actor,
      stageId: stage.id,
      settings: settings.hash,
      at,
      verdict: judgement.verdict,
      document: JSON.stringify(document),
      latencyP95Ms: baseline.latencyP95Ms,
      ttftP95Ms: baseline.ttftP95Ms,
      legacyUnhealthy: health.legacyUnhealthy,
      pairs,
    },
    { basedOn: evidence.version, tests, costCapUsd: baseline.costCapUsd },
  );
  if (outcome === 'duplicate')
    return JSON.parse(store.findRun(db, runId)?.document ?? 'null') as CanaryDocument;
  if (outcome === 'recorded') return document;
  return emptyDocument(
    run,
    stage,
    inconclusive(
      'concurrent_run',
      'another run was recorded while this one was probing; this one does not count',
    ),
  );
}

/** A run that says nothing about the providers: its verdict is kept, the evidence is left alone. */
function recordError(
  run: Run,
  code: 'no_key' | 'unreachable',
  text: string,
  pairs: readonly Pair[] = [],
): CanaryDocument {
  const { input, stage, runId, settings } = run;
  const judgement: Judgement = { verdict: 'ERROR', reasons: [{ code, text }] };
  const at = input.now();
  const document = emptyDocument(run, stage, judgement, { id: runId, at, pairs });
  store.recordRun(
    input.db,
    {
      runId,
      actor: input.actor,
      stageId: stage.id,
      settings: settings.hash,
      at,
      verdict: 'ERROR',
      document: JSON.stringify(document),
      latencyP95Ms: null,
      ttftP95Ms: null,
      legacyUnhealthy: false,
      pairs: [],
    },
    null,
  );
  return document;
}

/** A document over the evidence as it stands. */
function emptyDocument(
  fixed: Fixed,
  stage: Stage,
  judgement: Judgement,
  run: { id: string; at: number; pairs: readonly Pair[] } | null = null,
): CanaryDocument {
  const { db } = fixed.input;
  const evidence = store.loadEvidence(db, stage.id, fixed.settings.hash);
  const current = evidence.costCapUsd !== undefined;
  return documentOf(fixed, {
    stage,
    judgement,
    tests: evidence.tests as Tests,
    runs: current ? store.stageRuns(db, stage.id).map(fromStore) : [],
    pairs: evidence.pairs,
    run,
  });
}

function noStage(fixed: Fixed): CanaryDocument {
  const judgement = inconclusive('no_stage', 'no canary is running; `cutover status` says what comes next');
  return documentOf(fixed, {
    stage: null,
    judgement,
    tests: {},
    runs: [],
    pairs: 0,
    run: null,
  });
}

/** A document as it is printed and kept: what providers said is in it, and no secret. */
function documentOf(
  { input, settings, limits }: Fixed,
  about: Omit<DocumentInput, 'command' | 'migration' | 'guardrails' | 'limits'>,
): CanaryDocument {
  const document = buildDocument({
    command: input.command ?? COMMAND,
    migration: input.config.migration,
    guardrails: settings.guardrails,
    limits,
    ...about,
  });
  return storable(document, input.secrets.redact);
}

function inconclusive(code: ReasonCode, text: string): Judgement {
  return { verdict: 'INCONCLUSIVE', reasons: [{ code, text }] };
}

/** Fewer priced samples than this make no mean to build a cap on. */
const MIN_PRICED = 20;
const CAP_IN_MEANS = 10;

/** What legacy is known to be like before the run: from earlier runs, and the cost cap from before the stage. */
function baselineOf({ input, settings, priceOf }: Run, evidence: store.StageEvidence): Baseline {
  const samples = store.legacySamples(input.db, settings.hash);
  const ttfts = samples.flatMap(({ ttftMs }) => ttftMs ?? []);
  const costs = samples.flatMap(({ costUsd, sameSettings }) =>
    sameSettings && costUsd !== null ? [costUsd] : [],
  );
  const largest = largestCost(settings.plan.probes, settings.plan, priceOf);
  const average =
    costs.length >= MIN_PRICED ? (mean(costs) as number) * CAP_IN_MEANS : Number.POSITIVE_INFINITY;
  return {
    latencyP95Ms: baselineP95(samples.map(({ latencyMs }) => latencyMs)),
    ttftP95Ms: baselineP95(ttfts),
    samples: samples.length,
    costCapUsd:
      evidence.costCapUsd === undefined ? largest && Math.min(largest, average) : evidence.costCapUsd,
  };
}

const CLIPPED_SHARE = 0.01;

function clippingWarning(samples: readonly Sample[], { costCapUsd: cap }: Baseline): string[] {
  if (cap === null) return [];
  const costs = samples.flatMap(({ costUsd }) => costUsd ?? []);
  const total = costs.reduce((sum, cost) => sum + cost, 0);
  const clipped = costs.reduce((sum, cost) => sum + Math.max(0, cost - cap), 0);
  if (clipped <= CLIPPED_SHARE * total) return [];
  const share = ((clipped / total) * 100).toFixed(1);
  return [`${share} % of the cost lies above the cap of $${cap.toPrecision(3)} a request and does not count`];
}

function fromStore(run: store.StoredRun): MeasuredRun & { legacyUnhealthy: boolean } {
  return {
    pairs: run.pairs as readonly Pair[],
    baseline: {
      latencyP95Ms: run.latencyP95Ms,
      ttftP95Ms: run.ttftP95Ms,
      costCapUsd: run.costCapUsd,
      samples: 0,
    },
    legacyUnhealthy: run.legacyUnhealthy,
  };
}
