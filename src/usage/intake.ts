/** An unusable record: where it stands and why. */
export interface Reject {
  source: string;
  line: number;
  /** Which element of a list it is, counted from 0; missing where records stand on lines of their own. */
  element?: number;
  reason: string;
}

/**
 * The account of what was read. `read = used + filtered + rejected` always holds: `read` is counted where a
 * record is found, the others where its fate is decided. Plain data, so that a worker can send it.
 */
export interface Intake {
  read: number;
  used: number;
  filtered: number;
  rejected: number;
  rejectedByReason: Map<string, number>;
  filteredByReason: Map<string, number>;
  /** The first rejects, in the order of the input. */
  samples: Reject[];
}

/** As many rejects are kept to be shown. */
export const MAX_SAMPLES = 10;
/** Reasons name fields, so there are few; a log that makes them many must not eat the memory. */
const MAX_REASONS = 500;

export function createIntake(): Intake {
  return {
    read: 0,
    used: 0,
    filtered: 0,
    rejected: 0,
    rejectedByReason: new Map(),
    filteredByReason: new Map(),
    samples: [],
  };
}

export function countReject(intake: Intake, reject: Reject): void {
  intake.read++;
  intake.rejected++;
  bump(intake.rejectedByReason, reject.reason, 1);
  if (intake.samples.length < MAX_SAMPLES) intake.samples.push(reject);
}

export function countFiltered(intake: Intake, reason: string): void {
  intake.read++;
  intake.filtered++;
  bump(intake.filteredByReason, reason, 1);
}

export function countUsed(intake: Intake, records: number): void {
  intake.read += records;
  intake.used += records;
}

/** Adds `other`, which was read after `into`. */
export function mergeIntake(into: Intake, other: Intake): void {
  into.read += other.read;
  into.used += other.used;
  into.filtered += other.filtered;
  into.rejected += other.rejected;
  for (const [reason, count] of other.rejectedByReason) bump(into.rejectedByReason, reason, count);
  for (const [reason, count] of other.filteredByReason) bump(into.filteredByReason, reason, count);
  into.samples.push(...other.samples.slice(0, MAX_SAMPLES - into.samples.length));
}

/** Counts by name, the largest first: in whatever order they were counted, they are told in one. */
export function largestFirst(counts: ReadonlyMap<string, number>): [string, number][] {
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}

function bump(counts: Map<string, number>, reason: string, by: number): void {
  const key = counts.has(reason) || counts.size < MAX_REASONS ? reason : 'other reasons';
  counts.set(key, (counts.get(key) ?? 0) + by);
}
