import type { MovingStep } from '../rollback/moved.ts';
import { leadsTo } from '../rollback/sides.ts';
import { unnumbered } from '../rollback/silent.ts';
import type { Checkpoint } from '../store/checkpoints.ts';
import type { Db } from '../store/open.ts';
import type { DnsRecordSet, OperationKind, Side } from '../world.ts';
import type { PlannedHook, PlannedStep } from './plan.ts';
import { isBackward } from './record.ts';

interface Row {
  seq: number;
  driver: string;
  label: string;
  outcome: 'running' | 'done' | 'failed';
  before: string | null;
  after: string | null;
  planned: string | null;
  provider: Side;
  ratio: number;
  kind: OperationKind;
  mends: string | null;
  startedAt: number | null;
  ms: number | null;
}

/**
 * The DNS steps that have begun, in the order of their operations: what a ledger is made of.
 * @param hooks those of the config: where the journal of an older version does not name a step's server, the one hook
 *   of the same driver and zone tells it
 */
export function movingSteps(db: Db, hooks: readonly PlannedHook[]): MovingStep[] {
  const rows = db
    .prepare(
      `SELECT o.seq, o.kind, s.driver, s.label, s.outcome, s.before, s.after, s.started_at AS startedAt, s.ms,
              json_extract(o.plan, '$.steps[' || s.position || ']') AS planned,
              json_extract(o.plan, '$.to.activeProvider') AS provider, json_extract(o.plan, '$.to.ratio') AS ratio,
              json_extract(o.plan, '$.mends') AS mends
         FROM steps s JOIN operations o ON o.id = s.operation_id
        WHERE s.kind = 'dns' AND s.outcome IN ('running', 'done', 'failed')
        ORDER BY o.seq, s.position`,
    )
    .all() as Row[];
  return rows.flatMap((row) => movingStep(row, hooks) ?? []);
}

/** Null where nothing was written: a step that has not come so far, or could not read. */
function movingStep(row: Row, hooks: readonly PlannedHook[]): MovingStep | null {
  const planned = JSON.parse(row.planned ?? '{}') as Partial<PlannedStep>;
  const [before, after] = [parsed(row.before), parsed(row.after)];
  const reads = hooks.some(({ driver, sides }) => driver === row.driver && sides !== undefined);
  const server = planned.server ?? (reads || Array.isArray(before) ? formerServer(row.label, hooks) : null);
  const back = isBackward(row.kind) && row.provider === 'legacy';
  const nothing = before === null || after === null;
  if (server !== null && nothing && !(back && row.outcome === 'failed')) return null;
  const found = Array.isArray(before) ? (before as DnsRecordSet[]) : null;
  return {
    operation: row.seq,
    server,
    driver: row.driver,
    label: row.label,
    ...(planned.receiver === undefined ? {} : { receiver: planned.receiver }),
    provider: row.provider,
    back,
    ...(row.provider === 'legacy' && row.ratio > 0 ? { rung: true as const } : {}),
    mends: row.mends === 'dns',
    done: row.outcome === 'done',
    before: found,
    after: Array.isArray(after) ? (after as DnsRecordSet[]) : null,
    ...(row.startedAt === null ? {} : { at: row.startedAt + (row.ms ?? 0) }),
    ...(planned.restore ? { plans: planned.restore.map(({ to }) => to) } : {}),
    ...(back && found ? { fromTarget: fromTarget(planned, server, found, hooks) } : {}),
  };
}

/** By the config of then, where the journal keeps it. */
function fromTarget(
  { wants, leaves }: Partial<PlannedStep>,
  server: string | null,
  found: readonly DnsRecordSet[],
  hooks: readonly PlannedHook[],
): DnsRecordSet[] {
  if (!wants || !leaves) return onTarget(server, found, hooks);
  return found.filter((set) => leadsTo('target', set, { legacy: wants, target: leaves }));
}

/** Those of some sets of a server that lead to target by the config. */
export function onTarget(
  server: string | null,
  sets: readonly DnsRecordSet[],
  hooks: readonly PlannedHook[],
): DnsRecordSet[] {
  const there = hooks.flatMap((hook) => (hook.server === server && hook.sides ? [hook.sides] : []));
  return sets.filter((set) => there.some((sides) => leadsTo('target', set, sides)));
}

const parsed = (text: string | null): unknown => (text === null ? null : (JSON.parse(text) as unknown));

/** The server of a step or reading whose journal does not name it. */
export function formerServer(label: string, hooks: readonly PlannedHook[]): string {
  const [hook, ...others] = hooks.filter((one) => unnumbered(one.label) === unnumbered(label));
  return (others.length === 0 ? hook?.server : undefined) ?? unnumbered(label);
}

/**
 * The number of the operation that was the first to begin after a checkpoint was made; of one that was taken in from
 * elsewhere, after that.
 */
export function firstSince(db: Db, { id, operationId }: Pick<Checkpoint, 'id' | 'operationId'>): number {
  const own = db.prepare('SELECT seq FROM operations WHERE id = ?').get(operationId) as
    | { seq: number }
    | undefined;
  if (own) return own.seq;
  const { first } = db
    .prepare(
      `SELECT min(o.seq) AS first FROM operations o JOIN history h ON h.operation_id = o.id
        WHERE h.event LIKE '% began' AND h.seq > (
          SELECT min(seq) FROM history
           WHERE event IN ('checkpoint created', 'checkpoints imported')
             AND (json_extract(detail, '$.checkpoint') = @id
                  OR EXISTS (SELECT 1 FROM json_each(detail, '$.checkpoints') WHERE value = @id)))`,
    )
    .get({ id }) as { first: number | null };
  return first ?? Number.MAX_SAFE_INTEGER;
}
