const DAY_MS = 86_400_000;

/** Days in the month that monthly figures speak of. */
export const MONTH_DAYS = 30;

/** The time a log covers. Dates are Unix milliseconds. */
export interface Period {
  from: number | null;
  to: number | null;
  /** Length in days, whole or not; null when the records do not tell. */
  days: number | null;
}

/** What a tally knows of its times. */
export interface Span {
  from: number | undefined;
  to: number | undefined;
  /** When the last interval ends that an aggregate sums up. */
  until: number | undefined;
  timed: number;
}

/**
 * The period of `timed` records from `from` to `to`. The last record is not the end of its interval: n records
 * spread over a period lie between n − 1 gaps, so the length is (to − from) · n / (n − 1). A record a day for 30
 * days is 30 days, and a first or last day that is only partly covered counts for the part. Aggregates say
 * themselves when they end.
 */
export function periodOf({ from, to, until, timed }: Span): Period {
  if (from === undefined || to === undefined) return { from: null, to: null, days: null };
  if (until !== undefined && until >= to) return { from, to: until, days: (until - from) / DAY_MS };
  const days = timed > 1 && to > from ? ((to - from) * timed) / (timed - 1) / DAY_MS : null;
  return { from, to, days };
}
