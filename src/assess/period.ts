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

/** Where a selection cut the log: set only on a side on which the log goes on beyond the cut. */
export interface Cut {
  since?: number | undefined;
  until?: number | undefined;
}

/**
 * The period of `timed` records from `from` to `to`. The last record is not the end of its interval: n records
 * spread over a period lie between n − 1 gaps, so the length is (to − from) · n / (n − 1). A record a day for 30
 * days is 30 days, and a first or last day that is only partly covered counts for the part. Aggregates say
 * themselves when they end, and a cut is where the period begins or ends.
 */
export function periodOf({ from, to, until, timed }: Span, cut: Cut = {}): Period {
  if (from === undefined || to === undefined) return { from: null, to: null, days: null };
  const start = cut.since ?? from;
  if (cut.until !== undefined) return { from: start, to: cut.until, days: (cut.until - start) / DAY_MS };
  if (until !== undefined && until >= to) return { from: start, to: until, days: (until - start) / DAY_MS };
  if (timed < 2 || to === from) {
    return { from: start, to, days: start < to ? (to - start) / DAY_MS : null };
  }
  const span = start === from ? ((to - from) * timed) / (timed - 1) : to - start + (to - from) / (timed - 1);
  return { from: start, to, days: span / DAY_MS };
}
