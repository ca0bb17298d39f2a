import { readdirSync, readFileSync } from 'node:fs';
import { type FlagDriver, SETTLES_MS } from '../flag/driver.ts';
import type { Db } from '../store/open.ts';
import { longestTries } from './attempt.ts';
import { type Holder, holderState, seesCommandsOf } from './holder.ts';
import { type Rival, runningRival, underWay, unseenRival } from './rival.ts';
import { UNANSWERED } from './unanswered.ts';
import { msBetween, type Uptime, uptime } from './uptime.ts';

interface Writer {
  id: string;
  kind: string;
  holder: string;
  driver: string;
  outcome: string;
  startedAt: number | null;
  /** The same by the machine's own clock; null of one that an older cutover has kept. */
  startedUptime: Uptime | null;
  /** How long the step took; null while it runs, and when it was killed. */
  ms: number | null;
  /** What the flag said by the state before, and what it goes back to when the step fails. */
  from: number;
  /** What became of its operation. */
  ended: string | null;
}

/** In the history: nobody who began before this operation can write a flag any more. */
export const OUTLASTED = 'flags outlasted';

/** By no clock's error does a write of another day count. */
const FORGOTTEN_AFTER_MS = 3_600_000;

/** How long those flags take to be written that fence nobody, each bound the longest of them, in milliseconds. */
export interface WriteBounds {
  /** One write. */
  writeMs: number;
  /** A step, all tries together. */
  triesMs: number;
  /** What nobody waits for any more. */
  settlesMs: number;
}

export function writeBounds(flags: readonly FlagDriver[]): WriteBounds {
  const longest = (of: (flag: FlagDriver) => number) => Math.max(0, ...flags.map(of));
  return {
    writeMs: longest(({ timeoutMs }) => timeoutMs),
    triesMs: longest(longestTries),
    settlesMs: longest(({ settlesMs }) => settlesMs ?? SETTLES_MS),
  };
}

/** How a caller looks. */
export interface Looking {
  /** Unix milliseconds. */
  now: number;
  /** The same by this machine's own clock. */
  uptime: Uptime | null;
  /** For how long it has seen nobody at a flag any more. */
  quietMs: number;
  /**
   * How far the clock by which a writer began may be behind this one where there is nothing else to go by, in
   * milliseconds. Whoever can wait goes by no clock: infinite.
   */
  clocksMs: number;
}

/**
 * Whether a server may still do what a step has asked of it, whose process has given up or is gone. It was asked for the
 * last time before the step ended, and before whoever looks began to. Pure.
 */
export function mayStillLand(
  { ms, from, ...began }: Pick<Writer, 'startedAt' | 'startedUptime' | 'ms' | 'from'>,
  { writeMs, triesMs, settlesMs }: WriteBounds,
  looking: Looking,
): boolean {
  // A flag that could not be set is put back: that is one more write, which counts unless it sends all to legacy. How
  // long a killed one had for its tries is told by a config that may be another by now.
  const asked = ms === null ? Math.max(triesMs, FORGOTTEN_AFTER_MS) : ms + (from > 0 ? writeMs : 0);
  const { atLeastMs } = ageOf(began, looking);
  return atLeastMs < asked + settlesMs && looking.quietMs < settlesMs;
}

/** How long ago a step began: by the machine's own clock, or, of another boot, by two that may not agree. Pure. */
function ageOf(
  { startedAt, startedUptime }: Pick<Writer, 'startedAt' | 'startedUptime'>,
  { now, uptime, clocksMs }: Looking,
): { ms: number; atLeastMs: number } {
  const exact = msBetween(startedUptime, uptime);
  if (exact !== null) return { ms: exact, atLeastMs: exact };
  const ms = now - (startedAt ?? 0);
  return { ms: Math.abs(ms), atLeastMs: ms - clocksMs };
}

/**
 * The operations other than `id` that were at their flag when they lost the lease, and whose process is not known
 * to be gone; of one that is gone, the write that it may have left under way.
 */
export function rivalOperations(db: Db, id: string, bounds: WriteBounds, looking: Looking): Rival[] {
  const writers = db
    .prepare(
      `${UNANSWERED}
       SELECT o.id, o.kind, o.holder, s.driver, s.outcome, s.started_at AS startedAt,
              s.started_uptime AS startedUptime, s.ms,
              json_extract(o.plan, '$.from.ratio') AS "from", o.outcome AS ended
         FROM operations o JOIN steps s ON s.operation_id = o.id AND s.kind = 'flag'
        WHERE o.id <> ? AND o.holder IS NOT NULL
          AND (s.outcome = 'running' OR json_extract(o.plan, '$.to.ratio') > 0)
          AND (s.outcome IN ('running', 'failed') OR (s.operation_id, s.label) IN unanswered)
          AND NOT EXISTS (SELECT 1 FROM history h JOIN operations b ON b.id = h.operation_id
                WHERE h.event = '${OUTLASTED}' AND b.seq > o.seq)
        ORDER BY o.seq`,
    )
    .all(id) as (Omit<Writer, 'startedUptime'> & { startedUptime: string | null })[];
  return writers.flatMap((row) => {
    const writer = { ...row, startedUptime: JSON.parse(row.startedUptime ?? 'null') as Uptime | null };
    const holder = JSON.parse(writer.holder) as Holder;
    const state = holderState(holder);
    const name = `the ${writer.kind} ${writer.id}`;
    const { ms: ageMs } = ageOf(writer, looking);
    // A step that is run anew keeps how long it took before.
    const ms = writer.outcome === 'running' ? null : writer.ms;
    // Who says that a process is gone with its host has said it of its commands, too.
    const hidden =
      writer.driver === 'exec' && !holder.givenUp && (state === 'unknown' || !seesCommandsOf(holder));
    // A server may still carry out what a process asked for before it died; so may a command that cannot be seen.
    const late = (writer.driver === 'webhook' || hidden) && mayStillLand({ ...writer, ms }, bounds, looking);
    const left = [underWay(name)];
    if (writer.outcome === 'done') return late ? left : [];
    // Whoever gave up waiting for an answer has ended; what it asked for may still be done.
    const gaveUp =
      writer.outcome === 'failed' && !['undone', 'superseded'].includes(writer.ended ?? 'undone');
    if (state === 'running' && !gaveUp) return [runningRival(name, holder)];
    if (writer.outcome === 'failed') return late ? left : [];
    const countsMs = FORGOTTEN_AFTER_MS + bounds.triesMs + bounds.settlesMs;
    if ((state === 'unknown' || hidden) && !holder.givenUp && ageMs < countsMs)
      return [unseenRival(name, writer.id, holder, looking.now + countsMs - ageMs)];
    return late ? left : [];
  });
}

/** See the journal's `rivals`. @param id the operation that asks; now Unix milliseconds */
export function flagRivals(
  db: Db,
  id: string,
  flags: readonly FlagDriver[],
  quietMs: number,
  now: number,
): Rival[] {
  const looking = { now, uptime: uptime(), quietMs, clocksMs: Number.POSITIVE_INFINITY };
  return rivalOperations(db, id, writeBounds(flags), looking);
}

/**
 * Commands that set this flag for another operation than `id` and still run on this machine, also after the process
 * that started them was killed: they carry the change in their environment.
 */
export function rivalCommands(flag: FlagDriver, id: string): Rival[] {
  const marks = Object.entries(flag.commandMarks ?? {});
  if (marks.length === 0) return [];
  return processIds().flatMap((pid) => {
    const variables = environmentOf(pid);
    const operation = variables.get('CUTOVER_OPERATION_ID');
    if (operation === undefined || operation === id || !variables.has('CUTOVER_FLAG_RATIO')) return [];
    if (marks.some(([name, value]) => variables.get(name) !== value)) return [];
    return [{ words: `a command of ${operation} (process ${pid})` }];
  });
}

/** Processes of this machine that run a hook's command by this key, with what they have started. */
export function commandsOf(key: string): string[] {
  return processIds().filter((pid) => environmentOf(pid).get('CUTOVER_IDEMPOTENCY_KEY') === key);
}

function processIds(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    // A system without /proc: only the operations' own processes can be looked at.
    return [];
  }
}

function environmentOf(pid: string): Map<string, string> {
  try {
    const text = readFileSync(`/proc/${pid}/environ`, 'utf8');
    return new Map(
      text.split('\0').map((line): [string, string] => {
        const at = line.indexOf('=');
        return [line.slice(0, at), line.slice(at + 1)];
      }),
    );
  } catch {
    // It has ended, or is another user's, who cannot run commands of ours.
    return new Map();
  }
}
