import { formatRatio } from './config/units.ts';

/** The words for what a migration looks like from outside; every room uses them. */

export type Status = 'idle' | 'canary' | 'rolling' | 'complete' | 'rollback';
export type Side = 'legacy' | 'target';
export type OperationKind = 'canary start' | 'shift' | 'rollback' | 'emergency';

/** What a migration looks like from outside. */
export interface World {
  status: Status;
  /** Share of requests that go to target, 0 to 1. */
  ratio: number;
  activeProvider: Side;
}

/** A flag store may keep fewer digits than a double; between two ratios so much difference is none. */
const RATIO_TOLERANCE = 1e-5;

/**
 * Whether a flag that says the one ratio says the other. Only 0 is no request at all and only 1 is every request: from
 * these any difference counts.
 */
export function sameRatio(a: number, b: number): boolean {
  const between = (ratio: number) => ratio > 0 && ratio < 1;
  return a === b || (between(a) && between(b) && Math.abs(a - b) <= RATIO_TOLERANCE);
}

/** Whether `ratio` sends more requests to target than `than`. */
export function exceeds(ratio: number, than: number): boolean {
  return ratio > than && !sameRatio(ratio, than);
}

export function sameWorld(a: World, b: World): boolean {
  return a.status === b.status && a.ratio === b.ratio && a.activeProvider === b.activeProvider;
}

/**
 * Why there can be no such world, in words; null when there can. The active provider is target once all requests go
 * there, and on a gradual way back from there, where DNS moves last.
 */
export function worldFault({ status, ratio, activeProvider }: World): string | null {
  const says = `${status} at ${formatRatio(ratio)} with ${activeProvider} as the active provider`;
  const between = ratio > 0 && ratio < 1;
  const possible = {
    idle: ratio === 0 && activeProvider === 'legacy',
    canary: between && activeProvider === 'legacy',
    rolling: between,
    complete: ratio === 1 && activeProvider === 'target',
    rollback: ratio === 0 && activeProvider === 'legacy',
  }[status];
  return possible ? null : `no migration is ${says}`;
}

/** `10 % → 25 %, canary → rolling`: what changes between two worlds. */
export function describeChange(from: World, to: World): string {
  if (sameWorld(from, to)) return `stays at ${formatRatio(to.ratio)}, ${to.status}`;
  const parts = [
    from.ratio === to.ratio ? formatRatio(to.ratio) : `${formatRatio(from.ratio)} → ${formatRatio(to.ratio)}`,
  ];
  parts.push(from.status === to.status ? to.status : `${from.status} → ${to.status}`);
  if (from.activeProvider !== to.activeProvider)
    parts.push(`active provider ${from.activeProvider} → ${to.activeProvider}`);
  return parts.join(', ');
}

/** All records of one name and type. Names are absolute, with a trailing dot; the TTL is in seconds. */
export interface DnsRecordSet {
  name: string;
  type: 'CNAME' | 'A' | 'AAAA' | 'TXT';
  ttl: number;
  /** In the form in which sets are compared: sorted; empty when there is no such record. */
  values: string[];
  /**
   * What the server keeps of the set besides: how texts are cut, case, disabled records, proxying and the like. Only the
   * driver that read it knows what it means; everybody else carries it along. Absent: there is nothing besides.
   */
  raw?: unknown;
}

/** What one of our steps did to a record set, for putting it back. */
export interface RecordMove {
  /** What the step wrote. */
  from: DnsRecordSet;
  /** What it had found. */
  to: DnsRecordSet;
  /** It was put back already: what says neither now is nobody's to write, whatever a person decides of others. */
  back?: true;
}

/** A record set as a step of ours has left it. */
export interface LeftRecord extends DnsRecordSet {
  /** Of a step that has failed for other records: this one was put back, and the server was seen to say so. */
  seen?: true | undefined;
}

/** What one DNS hook's server said, as a checkpoint keeps it. */
export interface DnsReading {
  label: string;
  /** Which server and zone it is, wherever the hook stands in the config. */
  server?: string;
  records: DnsRecordSet[] | null;
  error?: string;
}
