import { formatRatio } from '../config/units.ts';
import { CutoverError, EXIT } from '../errors.ts';
import type { FlagDriver, FlagReading } from '../flag/driver.ts';
import { readQuietly } from './read-quietly.ts';
import type { OperationRecord } from './record.ts';

/** How long a flag may take to say what it is. */
const READ_MS = 2000;

/** Who has taken over, as far as it is known: an emergency marks the flag before it is in any journal. */
export interface Taker {
  kind: string;
  id: string;
  /** null while only the flag knows of it. */
  actor: string | null;
}

/**
 * The error of an operation that another one has taken over from: who that is, and what each flag says now. One that
 * has left records behind (DNS_OVERTAKEN as its cause) keeps that code and hint.
 * @param loser the operation that stops, or null where it had not begun
 * @param find the operation with this id, or without one the newest that is not the caller's; null when the journal
 *   knows none
 */
export async function overtakenBy(
  loser: { id: string; token: number } | null,
  flags: readonly FlagDriver[],
  find: (id: string | null) => OperationRecord | null,
  cause?: unknown,
): Promise<CutoverError> {
  const left = cause instanceof CutoverError && cause.code === 'DNS_OVERTAKEN' ? cause : null;
  const readings = await Promise.all(
    flags.map((flag) => readQuietly(flag, Math.min(flag.timeoutMs, READ_MS))),
  );
  const says = flags.map(({ label }, i) => `${label} ${inWords(readings[i])}`).join(', ');
  const taker = takerOf(loser, readings, find);
  const who = taker
    ? `the ${taker.kind} ${taker.id}${taker.actor === null ? '' : ` of ${taker.actor}`}`
    : 'another operation';
  const force = taker?.kind === 'emergency' ? ' and is in force' : '';
  const what = `${who} has taken over${force}: ${says}; stopped here`;
  return left
    ? new CutoverError(left.code, EXIT.notNow, `${what}, but ${left.message}`, { hint: left.hint, cause })
    : new CutoverError('FENCED', EXIT.notNow, what, { hint: 'see `cutover status`', cause });
}

/** The newest that the journal knows, or the emergency whose mark is in the flag. */
function takerOf(
  loser: { id: string; token: number } | null,
  readings: readonly (FlagReading | null | undefined)[],
  find: (id: string | null) => OperationRecord | null,
): Taker | null {
  const newer = ({ token, operation }: FlagReading) =>
    loser === null || (token >= loser.token && operation !== loser.id);
  const marked = readings.find((reading) => reading?.kind === 'emergency' && newer(reading));
  const mark = marked?.operation ?? null;
  const known = find(mark) ?? find(null);
  if (mark !== null && known?.id !== mark) return { kind: 'emergency', id: mark, actor: null };
  return known && { kind: known.kind, id: known.id, actor: known.actor };
}

function inWords(reading: FlagReading | null | undefined): string {
  if (reading === undefined) return 'cannot be read';
  return reading === null ? 'does not exist' : `says ${formatRatio(reading.ratio)}`;
}
