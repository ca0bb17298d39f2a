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
  const [mo, d, h, mi, s] = [Number(month), Number(day), Number(hour), Number(minute), Number(second)];
  if (mo < 1 || mo > 12 || d < 1 || d > daysIn(Number(year), mo) || h > 24 || mi > 59 || s > 60)
    return undefined;
  const whole = Date.UTC(Number(year), mo - 1, d, h, mi, s);
  const ms = fraction ? Number(`0.${fraction}`) * 1000 : 0;
  return whole + Number(ms.toFixed(6)) - offsetMs(zone);
}

function daysIn(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
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
