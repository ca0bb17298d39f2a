// A slow calendar: everything is asked of Intl, nothing is worked out.

const HOUR = 3_600_000;
const formats = new Map<string, Intl.DateTimeFormat>();

function parts(at: number, zone: string): Record<string, string> {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-CA', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      weekday: 'short',
    });
    formats.set(zone, format);
  }
  return Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
}

const dates = new Map<string, string>();

/** `2026-08-20` */
export function localDate(at: number, zone: string): string {
  const key = `${at} ${zone}`;
  let date = dates.get(key);
  if (date === undefined) {
    const { year, month, day } = parts(at, zone);
    date = `${year}-${month}-${day}`;
    dates.set(key, date);
  }
  return date;
}

/** `09:00` */
export function localHour(at: number, zone: string): string {
  return `${parts(at, zone).hour}:00`;
}

export function dateAfter(date: string, days = 1): string {
  return new Date(Date.parse(`${date}T12:00:00Z`) + days * 24 * HOUR).toISOString().slice(0, 10);
}

export function isWeekend(date: string): boolean {
  return ['Sat', 'Sun'].includes(parts(Date.parse(`${date}T12:00:00Z`), 'UTC').weekday as string);
}

/** The first moment of a local date: the clock is asked about each quarter of an hour around it. */
export function startOf(date: string, zone: string): number {
  const noon = Date.parse(`${date}T12:00:00Z`);
  for (let at = noon - 36 * HOUR; ; at += HOUR / 4) if (localDate(at, zone) >= date) return at;
}
