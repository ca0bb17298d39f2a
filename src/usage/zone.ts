import { CutoverError, EXIT } from '../errors.ts';

/** A time zone, for days and hours as people count them. Times are Unix milliseconds. */
export interface Zone {
  name: string;
  /** Number of the local day; 0 is 1970-01-01. */
  dayOf(at: number): number;
  /** Local hour, 0 to 23. */
  hourOf(at: number): number;
  /** When a local day begins. */
  startOf(day: number): number;
}

const DAY_MS = 86_400_000;
/** Every offset in use changes at a multiple of this. */
const STEP_MS = 900_000;

/**
 * @param name an IANA name (`Europe/Berlin`) or `UTC`.
 * @throws CutoverError UNKNOWN_TIMEZONE (exit 64).
 */
export function createZone(name: string): Zone {
  const offsetOf = name === 'UTC' ? () => 0 : offsets(name);
  const local = (at: number) => at + offsetOf(at);
  return {
    name,
    dayOf: (at) => Math.floor(local(at) / DAY_MS),
    hourOf: (at) => Math.floor((((local(at) % DAY_MS) + DAY_MS) % DAY_MS) / 3_600_000),
    startOf(day) {
      const wall = day * DAY_MS;
      // The offset may change between the guess and the true beginning: the second look settles it.
      const guess = wall - offsetOf(wall);
      return wall - offsetOf(guess);
    },
  };
}

/** `2026-08-20` of a day number. */
export function dayName(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** The offset from UTC in milliseconds; asking the system is slow, so each quarter of an hour is asked about once. */
function offsets(name: string): (at: number) => number {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch (cause) {
    throw new CutoverError('UNKNOWN_TIMEZONE', EXIT.usage, `unknown time zone ${name}`, {
      hint: 'time zones have names like Europe/Berlin or UTC',
      cause,
    });
  }
  const known = new Map<number, number>();
  return (at) => {
    const step = Math.floor(at / STEP_MS);
    const found = known.get(step);
    if (found !== undefined) return found;
    const start = step * STEP_MS;
    const parts = Object.fromEntries(
      format.formatToParts(start).map(({ type, value }) => [type, Number(value)]),
    );
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    const offset = Date.UTC(year, month - 1, day, hour, minute, second) - start;
    known.set(step, offset);
    return offset;
  };
}
