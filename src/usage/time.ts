/** Nothing billed by the token is older than this, and clocks that claim to be beyond the other are broken. */
export const EARLIEST = Date.UTC(2001, 0, 1);
export const LATEST = Date.UTC(2101, 0, 1);

const ISO =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,12}))?)?\s?(Z|UTC|[+-]\d{2}:?\d{2}|[+-]\d{2})?)?$/i;

/**
 * A point in time as logs write it → Unix milliseconds (with a fraction where the source has one).
 * Text is ISO 8601, with `T` or a space; without a zone it is UTC, as servers log. Numbers (and numeric text)
 * are Unix seconds, milliseconds, microseconds or nanoseconds, told apart by size: the ranges of plausible dates do not overlap.
 * @returns undefined for anything else, and for times before 2001 or after 2100.
 */
export function parseTimestamp(value: unknown): number | undefined {
  if (typeof value === 'number') return inRange(fromUnix(value));
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  const iso = ISO.exec(text);
  if (iso) return inRange(fromIso(iso));
  return /^\d{9,20}(\.\d+)?$/.test(text) ? inRange(fromUnix(Number(text))) : undefined;
}

function fromUnix(value: number): number {
  if (value < 1e11) return Math.round(value * 1e6) / 1e3;
  if (value < 1e14) return value;
  if (value < 1e17) return value / 1e3;
  return value / 1e6;
}

function fromIso(match: RegExpExecArray): number | undefined {
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction, zone] = match;
  const [y, mo, d] = [Number(year), Number(month), Number(day)];
  const [h, mi, s] = [Number(hour), Number(minute), Number(second)];
  if (mo < 1 || mo > 12 || d < 1 || d > daysIn(y, mo) || h > 24 || mi > 59 || s > 60) return undefined;
  const ms = fraction ? Number(`${fraction.slice(0, 3).padEnd(3, '0')}.${fraction.slice(3)}`) : 0;
  return daysBefore(y, mo, d) * DAY_MS + h * 3_600_000 + mi * 60_000 + s * 1000 + ms - offsetMs(zone);
}

const DAY_MS = 86_400_000;

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days from 1970-01-01 to a date of the Gregorian calendar; several times faster than asking Date. */
function daysBefore(year: number, month: number, day: number): number {
  // Years that begin in March end with the leap day, so that the months before it never move.
  const y = month > 2 ? year : year - 1;
  const m = month > 2 ? month - 3 : month + 9;
  const leapDays = Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400);
  return 365 * y + leapDays + Math.floor((153 * m + 2) / 5) + day - 719_469;
}

function offsetMs(zone: string | undefined): number {
  if (!zone || /^(z|utc)$/i.test(zone)) return 0;
  const digits = zone.slice(1).replace(':', '');
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2) || 0);
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000;
}

function inRange(at: number | undefined): number | undefined {
  return at !== undefined && at >= EARLIEST && at < LATEST ? at : undefined;
}
