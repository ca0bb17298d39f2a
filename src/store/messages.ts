import type { Db } from './open.ts';

/** One message as it is kept. Times are Unix milliseconds. */
export interface Message {
  seq: number;
  key: string;
  hook: string;
  label: string;
  operationId: string;
  position: number;
  /** JSON. */
  event: string;
  /** The trouble that stands from here on, for receivers that keep incidents. */
  begins: string | null;
  /** JSON: the troubles that are over. */
  ends: string;
  at: number;
  attempts: number;
  triedAt: number | null;
  notBefore: number | null;
  error: string | null;
  /** JSON: who is sending it. */
  sender: string | null;
  senderUntil: number | null;
  outcome: 'sent' | 'superseded' | 'given up' | null;
}

export type NewMessage = Pick<
  Message,
  'key' | 'hook' | 'label' | 'operationId' | 'position' | 'event' | 'begins' | 'ends' | 'at'
>;

const COLUMNS = `seq, key, hook, label, operation_id AS operationId, position, event, begins, ends, at, attempts,
  tried_at AS triedAt, not_before AS notBefore, error, sender, sender_until AS senderUntil, outcome`;

/** To be called in the transaction of what it tells about. */
export function insertMessage(db: Db, message: NewMessage): void {
  db.prepare(
    `INSERT INTO messages (key, hook, label, operation_id, position, event, begins, ends, at)
     VALUES (@key, @hook, @label, @operationId, @position, @event, @begins, @ends, @at)`,
  ).run(message);
}

/** All that one hook was to be told of one thing, oldest first. */
export function messagesAbout(db: Db, operationId: string, hook: string): Message[] {
  return db
    .prepare(`SELECT ${COLUMNS} FROM messages WHERE operation_id = ? AND hook = ? ORDER BY seq`)
    .all(operationId, hook) as Message[];
}

export function findMessage(db: Db, seq: number): Message {
  return db.prepare(`SELECT ${COLUMNS} FROM messages WHERE seq = ?`).get(seq) as Message;
}

/** How many messages there were of one step, whomever they were for. */
export function wordsSaid(db: Db, operationId: string, position: number): number {
  const sql = 'SELECT count(*) FROM messages WHERE operation_id = ? AND position = ?';
  return db.prepare(sql).pluck().get(operationId, position) as number;
}

/** Whether its end was written, sent or not: not only that it runs. */
export function isEndTold(db: Db, operationId: string): boolean {
  const sql =
    "SELECT 1 FROM messages WHERE operation_id = ? AND json_extract(event, '$.running') IS NULL LIMIT 1";
  return db.prepare(sql).get(operationId) !== undefined;
}

/** What waits for one hook, or for any, oldest first. */
export function waitingMessages(db: Db, hook: string | null = null): Message[] {
  return db
    .prepare(`SELECT ${COLUMNS} FROM messages WHERE outcome IS NULL AND (? IS NULL OR hook = ?) ORDER BY seq`)
    .all(hook, hook) as Message[];
}

/** What a hook was told to stand, or is to be told, and was not told to be over. */
export function standingTroubles(db: Db, hook: string): string[] {
  const rows = db
    .prepare(
      "SELECT begins, ends FROM messages WHERE hook = ? AND (begins IS NOT NULL OR ends <> '[]') ORDER BY seq",
    )
    .all(hook) as Pick<Message, 'begins' | 'ends'>[];
  return rows.reduce<string[]>((standing, { begins, ends }) => {
    const over = JSON.parse(ends) as string[];
    const left = standing.filter((trouble) => !over.includes(trouble) && trouble !== begins);
    return begins === null ? left : [...left, begins];
  }, []);
}

/** Whether a hook was sent something that was written later. */
export function sentSince(db: Db, { hook, seq }: Pick<Message, 'hook' | 'seq'>): boolean {
  const sql = "SELECT 1 FROM messages WHERE hook = ? AND seq > ? AND outcome = 'sent' LIMIT 1";
  return db.prepare(sql).get(hook, seq) !== undefined;
}

export function claimMessage(
  db: Db,
  seq: number,
  claim: { sender: string; until: number; now: number },
): void {
  db.prepare('UPDATE messages SET sender = ?, sender_until = ?, tried_at = ? WHERE seq = ?').run(
    claim.sender,
    claim.until,
    claim.now,
    seq,
  );
}

/** Whoever was sending is known to be gone. */
export function dropClaims(db: Db, sender: string): void {
  db.prepare('UPDATE messages SET sender = NULL, sender_until = NULL WHERE sender = ?').run(sender);
}

/** It stays for later: what went wrong, and until when the receiver wants to be left alone. */
export function keepMessage(
  db: Db,
  seq: number,
  kept: { error: string; attempts: number; notBefore: number | null },
): void {
  db.prepare(
    `UPDATE messages SET sender = NULL, sender_until = NULL, error = ?, attempts = attempts + ?, not_before = ?
      WHERE seq = ?`,
  ).run(kept.error, kept.attempts, kept.notBefore, seq);
}

/** The end of a message; returns whether it had not ended before. */
export function endMessage(
  db: Db,
  seq: number,
  end: { outcome: NonNullable<Message['outcome']>; attempts: number; at: number },
): boolean {
  const { changes } = db
    .prepare(
      `UPDATE messages SET sender = NULL, sender_until = NULL, outcome = ?, attempts = attempts + ?, ended_at = ?
        WHERE seq = ? AND outcome IS NULL`,
    )
    .run(end.outcome, end.attempts, end.at, seq);
  return changes > 0;
}
