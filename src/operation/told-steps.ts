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
  const partial = db
    .prepare("SELECT 1 FROM operations WHERE id = ? AND outcome = 'partial'")
    .get(operationId);
  if (!partial) return;
  // Whoever has sent one may have been killed before it could say that its step is done.
  db.prepare(
    `UPDATE steps SET outcome = 'done', error = NULL
      WHERE operation_id = @id AND kind = 'notify' AND outcome <> 'done' AND (
        SELECT outcome FROM messages m WHERE m.operation_id = @id AND m.position = steps.position
         ORDER BY seq DESC LIMIT 1) = 'sent'`,
  ).run({ id: operationId });
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
  db.prepare('UPDATE operations SET open = 0, outcome = ? WHERE id = ?').run(
    left.steps === 0 ? 'done' : 'partial',
    operationId,
  );
}
