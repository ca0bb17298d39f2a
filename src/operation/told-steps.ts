import type { Db } from '../store/open.ts';

/** A step that could not tell anybody has done so after all, by a message that was sent later. */
export function noteStepTold(
  db: Db,
  operationId: string,
  position: number,
  { attempts, after }: { attempts: number; after: unknown },
): void {
  db.prepare(
    `UPDATE steps SET outcome = 'done', attempts = attempts + ?, after = ?, error = NULL
      WHERE operation_id = ? AND position = ? AND kind = 'notify' AND outcome = 'failed'`,
  ).run(attempts, JSON.stringify(after ?? null), operationId, position);
}

/** Ends an operation of which nothing was left but messages, when none of them waits any more. */
export function closeWhenTold(db: Db, operationId: string): void {
  const left = db
    .prepare(
      `SELECT count(*) AS steps,
              count(*) FILTER (WHERE kind <> 'notify' OR EXISTS (
                SELECT 1 FROM messages m WHERE m.operation_id = s.operation_id AND m.position = s.position
                   AND m.outcome IS NULL)) AS work
         FROM steps s WHERE operation_id = ? AND outcome <> 'done'`,
    )
    .get(operationId) as { steps: number; work: number };
  if (left.work > 0) return;
  db.prepare(
    `UPDATE operations SET open = 0, outcome = CASE WHEN ? = 0 THEN 'done' ELSE outcome END
      WHERE id = ? AND outcome = 'partial'`,
  ).run(left.steps, operationId);
}
