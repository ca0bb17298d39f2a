import { CutoverError, EXIT } from '../errors.ts';
import { type Db, StateDamage } from '../store/open.ts';
import { stoodStill, type Watched } from './heartbeat.ts';
import { type Holder, type HolderState, holderState } from './holder.ts';

export { type Holder, type HolderState, holderState, thisHolder } from './holder.ts';

/** The lease as it stands: who may change the world now. */
export interface Lease extends Holder {
  token: number;
  operationId: string;
  /** Unix milliseconds, by the holder's clock. */
  acquiredAt: number;
  heartbeatAt: number;
  /** Grows by one a beat while the holder lives. */
  beats: number;
}

interface LeaseRow {
  token: number;
  operation_id: string | null;
  actor: string | null;
  host: string | null;
  pid: number | null;
  process: string | null;
  boot: string | null;
  namespace: string | null;
  acquired_at: number | null;
  heartbeat_at: number | null;
  beats: number;
}

/** The lease is another operation's, which runs or may run. */
export class LeaseHeld extends CutoverError {
  readonly lease: Lease;

  constructor(lease: Lease, state: HolderState) {
    const { actor, operationId, pid, host, acquiredAt } = lease;
    const since = new Date(acquiredAt).toISOString();
    const wait =
      state === 'running'
        ? 'wait for it (--wait 30s)'
        : 'whether it still runs cannot be seen from here: --wait 1m takes over once its heartbeat stood still for 30 s';
    super(
      'LEASE_HELD',
      EXIT.notNow,
      `${actor} is running operation ${operationId} (process ${pid} on ${host}, since ${since})`,
      { hint: `${wait}; in an emergency: \`cutover rollback --emergency\`` },
    );
    this.lease = lease;
  }
}

function leaseRow(db: Db): LeaseRow {
  const row = db.prepare('SELECT * FROM lease').get() as LeaseRow | undefined;
  if (!row) throw new StateDamage('the lease is gone');
  return row;
}

/** @throws StateDamage */
export function readLease(db: Db): { token: number; held: Lease | null } {
  const row = leaseRow(db);
  if (row.operation_id === null) return { token: row.token, held: null };
  return {
    token: row.token,
    held: {
      token: row.token,
      operationId: row.operation_id,
      actor: row.actor ?? '?',
      host: row.host ?? '?',
      pid: row.pid ?? 0,
      process: row.process,
      boot: row.boot,
      namespace: row.namespace,
      acquiredAt: row.acquired_at ?? 0,
      heartbeatAt: row.heartbeat_at ?? 0,
      beats: row.beats,
    },
  };
}

/**
 * Takes the lease inside the caller's transaction and returns the new fencing token.
 * @param atLeast a token that must be exceeded besides the lease's own (an emergency knows the flag's)
 * @param force takes it from a live holder too: an emergency
 * @param watched what was seen of the holder's heartbeat, where the holder itself cannot be looked at
 * @throws CutoverError LEASE_HELD (75) with who holds it and since when.
 */
export function takeLease(
  db: Db,
  holder: Holder,
  operationId: string,
  options: { now: number; atLeast?: number; force?: boolean; watched?: Watched | undefined },
): number {
  const { token, held } = readLease(db);
  if (held && !options.force) assertGone(held, options.watched);
  // Whoever loses it may go on where nobody sees it: when it was last heard of is all that is known of it then.
  if (held)
    db.prepare("UPDATE operations SET holder = json_set(holder, '$.heartbeatAt', ?) WHERE id = ?").run(
      held.heartbeatAt,
      held.operationId,
    );
  const next = Math.max(token + 1, options.atLeast ?? 0);
  db.prepare(
    `UPDATE lease SET token = @next, operation_id = @operationId, actor = @actor, host = @host, pid = @pid,
       process = @process, boot = @boot, namespace = @namespace, acquired_at = @now, heartbeat_at = @now, beats = 0`,
  ).run({ ...holder, next, operationId, now: options.now });
  return next;
}

function assertGone(held: Lease, watched: Watched | undefined): void {
  const state = holderState(held);
  if (state === 'gone' || (state === 'unknown' && stoodStill(watched, held))) return;
  throw new LeaseHeld(held, state);
}

/** @throws CutoverError FENCED (75) when another operation has taken the lease; StateDamage */
export function assertHeld(db: Db, token: number): void {
  const row = leaseRow(db);
  if (row.token === token) return;
  throw new CutoverError(
    'FENCED',
    EXIT.notNow,
    `${row.actor ?? 'another operation'} has taken over; stopped here`,
    {
      hint: 'see `cutover status`',
    },
  );
}

export function beat(db: Db, token: number, now: number): void {
  db.prepare('UPDATE lease SET heartbeat_at = ?, beats = beats + 1 WHERE token = ?').run(now, token);
}

/** Gives the lease back; nothing happens when another operation has it by now. */
export function releaseLease(db: Db, token: number): void {
  db.prepare('UPDATE lease SET operation_id = NULL WHERE token = ?').run(token);
}
