import type { Database } from 'better-sqlite3';
import { appendHistory } from './history.ts';

/** One metric's e-test as it is kept: log capitals of the bets on both sides. */
export interface StoredTest {
  readonly fail: readonly number[];
  readonly pass: readonly number[];
  readonly passed: boolean;
  readonly n: number;
}

export type StoredTests = Readonly<Record<string, StoredTest>>;

/** What a stage has proven so far. */
export interface StageEvidence {
  /** Grows with every run that counts; 0 before the first. */
  readonly version: number;
  /** Empty before the first run, and when the settings are other ones than before. */
  readonly tests: StoredTests;
  /** Pairs counted so far. */
  readonly pairs: number;
  /** Fixed by the first run of the evidence; undefined until then. */
  readonly costCapUsd: number | null | undefined;
}

export interface StoredSample {
  readonly status: string;
  readonly latencyMs: number;
  readonly ttftMs?: number;
  readonly inputTokens?: number;
  readonly cachedInputTokens?: number;
  readonly outputTokens?: number;
  readonly costUsd?: number;
  readonly invalid?: boolean;
}

export interface StoredPair {
  readonly probe: number;
  readonly legacy: StoredSample;
  readonly target: StoredSample;
}

/** The pairs of one run with what they were measured by. */
export interface StoredRun {
  readonly latencyP95Ms: number | null;
  readonly ttftP95Ms: number | null;
  readonly costCapUsd: number | null;
  readonly legacyUnhealthy: boolean;
  readonly pairs: readonly StoredPair[];
}

export interface StoredVerdict {
  /** The id that its caller gave the run. */
  readonly runId: string;
  readonly verdict: 'PASS' | 'FAIL' | 'INCONCLUSIVE' | 'ERROR';
  /** When the run ended, Unix ms. */
  readonly at: number;
  /** Hash of the settings that the verdict was given under. */
  readonly settings: string;
}

/** A verdict with the document as it was printed, JSON. */
export interface StoredDocument extends StoredVerdict {
  readonly document: string;
}

/** A run with the ratio of the stage that it judged. */
export interface JudgedRun extends StoredDocument {
  readonly ratio: number;
}

export interface LegacySample {
  readonly latencyMs: number;
  readonly ttftMs: number | null;
  readonly costUsd: number | null;
  /** Measured under the settings asked about. */
  readonly sameSettings: boolean;
}

/** How many legacy samples the baseline is taken from. */
const BASELINE_SAMPLES = 2000;
/** Pairs kept, over all stages: the tests carry the evidence, these only show and calibrate it. */
const KEPT_PAIRS = 10_000;

/** The evidence of a stage under these settings. */
export function loadEvidence(db: Database, stageId: number, settings: string): StageEvidence {
  const state = db
    .prepare('SELECT version, settings, pairs, cost_cap_usd AS cap FROM canary_state WHERE stage_id = ?')
    .get(stageId) as { version: number; settings: string; pairs: number; cap: number | null } | undefined;
  if (!state || state.settings !== settings) {
    return { version: state?.version ?? 0, tests: {}, pairs: 0, costCapUsd: undefined };
  }
  const rows = db
    .prepare('SELECT metric, fail, pass, passed, n FROM canary_tests WHERE stage_id = ?')
    .all(stageId) as { metric: string; fail: string; pass: string; passed: number; n: number }[];
  const tests = Object.fromEntries(
    rows.map(({ metric, fail, pass, passed, n }) => [
      metric,
      { fail: JSON.parse(fail) as number[], pass: JSON.parse(pass) as number[], passed: passed === 1, n },
    ]),
  );
  return { version: state.version, tests, pairs: state.pairs, costCapUsd: state.cap };
}

export interface RunRecord extends StoredDocument, Omit<StoredRun, 'costCapUsd'> {
  readonly stageId: number;
  /** Who ran it. */
  readonly actor: string;
}

export interface NewEvidence {
  /** The version that the run started from. */
  readonly basedOn: number;
  readonly tests: StoredTests;
  readonly costCapUsd: number | null;
}

/**
 * - `recorded`: the run and its evidence stand.
 * - `duplicate`: a run of this id was recorded before; nothing has changed.
 * - `superseded`: another run was recorded since the evidence was read; nothing has changed.
 */
export type RecordOutcome = 'recorded' | 'duplicate' | 'superseded';

/**
 * Records a run and, when it counts, the evidence after it, in one transaction.
 * @param evidence null for a run that proves nothing: its verdict is kept, its pairs are not, the evidence stays.
 */
export function recordRun(db: Database, run: RunRecord, evidence: NewEvidence | null): RecordOutcome {
  const write = db.transaction((): RecordOutcome => {
    if (findRun(db, run.runId)) return 'duplicate';
    const state = db
      .prepare('SELECT version, settings FROM canary_state WHERE stage_id = ?')
      .get(run.stageId) as { version: number; settings: string } | undefined;
    if (evidence && (state?.version ?? 0) !== evidence.basedOn) return 'superseded';

    const id = insertRun(db, run);
    appendHistory(db, {
      at: run.at,
      actor: run.actor,
      event: 'canary verdict',
      detail: { verdict: run.verdict, runId: run.runId, stage: run.stageId, pairs: run.pairs.length },
    });
    if (!evidence) return 'recorded';
    insertSamples(db, id, run.pairs);
    if (state?.settings === run.settings) {
      db.prepare('UPDATE canary_state SET version = version + 1, pairs = pairs + ? WHERE stage_id = ?').run(
        run.pairs.length,
        run.stageId,
      );
    } else {
      db.prepare(
        `INSERT INTO canary_state (stage_id, version, settings, pairs, first_run, cost_cap_usd) VALUES (?, 1, ?, ?, ?, ?)
         ON CONFLICT (stage_id) DO UPDATE SET version = version + 1, settings = excluded.settings,
           pairs = excluded.pairs, first_run = excluded.first_run, cost_cap_usd = excluded.cost_cap_usd`,
      ).run(run.stageId, run.settings, run.pairs.length, id, evidence.costCapUsd);
      db.prepare('DELETE FROM canary_tests WHERE stage_id = ?').run(run.stageId);
    }
    writeTests(db, run.stageId, evidence.tests);
    forgetOldSamples(db);
    return 'recorded';
  });
  return write.immediate();
}

/** A run by the id that its caller gave it. */
export function findRun(db: Database, runId: string): JudgedRun | null {
  return (db.prepare(`${SELECT_RUN} WHERE r.run_id = ?`).get(runId) as JudgedRun | undefined) ?? null;
}

/** The latest run of a stage, whatever settings it was under. */
export function latestRun(db: Database, stageId: number): JudgedRun | null {
  const found = db.prepare(`${SELECT_RUN} WHERE r.stage_id = ? ORDER BY r.id DESC LIMIT 1`).get(stageId);
  return (found as JudgedRun | undefined) ?? null;
}

/** The run that a stage has failed with: the first FAIL since another verdict. Null when its latest is none. */
export function firstOfFails(db: Database, stageId: number): string | null {
  const found = db
    .prepare(
      `SELECT run_id FROM canary_runs WHERE stage_id = @stageId AND verdict = 'FAIL' AND id > coalesce(
         (SELECT max(id) FROM canary_runs WHERE stage_id = @stageId AND verdict IN ('PASS', 'INCONCLUSIVE')), 0)
       ORDER BY id LIMIT 1`,
    )
    .pluck()
    .get({ stageId });
  return (found as string | undefined) ?? null;
}

/** The latest run of all stages. */
export function lastRun(db: Database): JudgedRun | null {
  return (db.prepare(`${SELECT_RUN} ORDER BY r.id DESC LIMIT 1`).get() as JudgedRun | undefined) ?? null;
}

/**
 * The latest FAIL of all stages.
 * @param settings only of runs under these settings; null for any
 */
export function lastFail(db: Database, settings: string | null): JudgedRun | null {
  const found = db
    .prepare(
      `${SELECT_RUN} WHERE r.verdict = 'FAIL' AND (? IS NULL OR r.settings = ?) ORDER BY r.id DESC LIMIT 1`,
    )
    .get(settings, settings);
  return (found as JudgedRun | undefined) ?? null;
}

const SELECT_RUN = `SELECT r.run_id AS runId, r.verdict, r.at, r.settings, r.document, s.ratio
  FROM canary_runs r JOIN stages s ON s.id = r.stage_id`;

/** The runs of a stage that its evidence is made of, oldest first, as far as their pairs are kept. */
export function stageRuns(db: Database, stageId: number): StoredRun[] {
  const rows = db
    .prepare(
      `SELECT t.cost_cap_usd AS cap, r.latency_p95_ms, r.ttft_p95_ms, r.legacy_unhealthy, s.*
       FROM canary_state t JOIN canary_runs r ON r.stage_id = t.stage_id AND r.id >= t.first_run
       JOIN canary_samples s ON s.run = r.id
       WHERE t.stage_id = ? ORDER BY r.id, s.pair, s.side`,
    )
    .all(stageId) as (RunColumns & SampleRow)[];
  const runs: { run: number; stored: StoredRun & { pairs: StoredPair[] } }[] = [];
  // Sorted by side, legacy comes right before the target of its pair.
  for (let i = 0; i + 1 < rows.length; i += 2) {
    const [legacy, target] = [rows[i] as RunColumns & SampleRow, rows[i + 1] as SampleRow];
    if (runs.at(-1)?.run !== legacy.run) {
      runs.push({
        run: legacy.run,
        stored: {
          latencyP95Ms: legacy.latency_p95_ms,
          ttftP95Ms: legacy.ttft_p95_ms,
          costCapUsd: legacy.cap,
          legacyUnhealthy: legacy.legacy_unhealthy === 1,
          pairs: [],
        },
      });
    }
    runs.at(-1)?.stored.pairs.push({ probe: legacy.probe, legacy: fromRow(legacy), target: fromRow(target) });
  }
  return runs.map(({ stored }) => stored);
}

/** The last successful legacy samples of any stage, newest first. */
export function legacySamples(db: Database, settings: string, limit = BASELINE_SAMPLES): LegacySample[] {
  const rows = db
    .prepare(
      `SELECT s.latency_ms, s.ttft_ms, s.cost_usd, r.settings = ? AS same
       FROM canary_samples s JOIN canary_runs r ON r.id = s.run
       WHERE s.side = 'legacy' AND s.status = 'ok' ORDER BY s.id DESC LIMIT ?`,
    )
    .all(settings, limit) as {
    latency_ms: number;
    ttft_ms: number | null;
    cost_usd: number | null;
    same: number;
  }[];
  return rows.map((row) => ({
    latencyMs: row.latency_ms,
    ttftMs: row.ttft_ms,
    costUsd: row.cost_usd,
    sameSettings: row.same === 1,
  }));
}

interface RunColumns {
  cap: number | null;
  latency_p95_ms: number | null;
  ttft_p95_ms: number | null;
  legacy_unhealthy: number;
}

interface SampleRow {
  run: number;
  probe: number;
  status: string;
  latency_ms: number;
  ttft_ms: number | null;
  input_tokens: number | null;
  cached_input_tokens: number | null;
  output_tokens: number | null;
  cost_usd: number | null;
  invalid: number | null;
}

function fromRow(row: SampleRow): StoredSample {
  return {
    status: row.status,
    latencyMs: row.latency_ms,
    ...(row.ttft_ms === null ? {} : { ttftMs: row.ttft_ms }),
    ...(row.input_tokens === null ? {} : { inputTokens: row.input_tokens }),
    ...(row.cached_input_tokens === null ? {} : { cachedInputTokens: row.cached_input_tokens }),
    ...(row.output_tokens === null ? {} : { outputTokens: row.output_tokens }),
    ...(row.cost_usd === null ? {} : { costUsd: row.cost_usd }),
    ...(row.invalid === null ? {} : { invalid: row.invalid === 1 }),
  };
}

function insertRun(db: Database, run: RunRecord): number | bigint {
  return db
    .prepare(
      `INSERT INTO canary_runs
         (run_id, stage_id, settings, at, verdict, document, latency_p95_ms, ttft_p95_ms, legacy_unhealthy)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      run.runId,
      run.stageId,
      run.settings,
      run.at,
      run.verdict,
      run.document,
      run.latencyP95Ms,
      run.ttftP95Ms,
      Number(run.legacyUnhealthy),
    ).lastInsertRowid;
}

function insertSamples(db: Database, run: number | bigint, pairs: readonly StoredPair[]): void {
  const insert = db.prepare(
    `INSERT INTO canary_samples (run, pair, side, probe, status, latency_ms, ttft_ms, input_tokens,
       cached_input_tokens, output_tokens, cost_usd, invalid)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  pairs.forEach((pair, position) => {
    for (const side of ['legacy', 'target'] as const) {
      const sample = pair[side];
      insert.run(
        run,
        position,
        side,
        pair.probe,
        sample.status,
        sample.latencyMs,
        sample.ttftMs ?? null,
        sample.inputTokens ?? null,
        sample.cachedInputTokens ?? null,
        sample.outputTokens ?? null,
        sample.costUsd ?? null,
        sample.invalid === undefined ? null : Number(sample.invalid),
      );
    }
  });
}

function writeTests(db: Database, stageId: number, tests: StoredTests): void {
  const write = db.prepare(
    'INSERT OR REPLACE INTO canary_tests (stage_id, metric, fail, pass, passed, n) VALUES (?, ?, ?, ?, ?, ?)',
  );
  for (const [metric, test] of Object.entries(tests)) {
    write.run(
      stageId,
      metric,
      JSON.stringify(test.fail),
      JSON.stringify(test.pass),
      Number(test.passed),
      test.n,
    );
  }
}

/** Ids are dense, and a pair takes two: what stays are whole pairs. */
function forgetOldSamples(db: Database): void {
  db.prepare('DELETE FROM canary_samples WHERE id <= (SELECT max(id) FROM canary_samples) - ?').run(
    2 * KEPT_PAIRS,
  );
}
