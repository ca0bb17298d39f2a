import { classifyStatus } from '../provider/error-class.ts';
import { parseTimestamp } from './time.ts';

/**
 * Reads the fields of one record and remembers the first fault. A reader returns `undefined` for a field
 * that is absent (undefined, null or an empty CSV cell) or at fault; `reason` tells which.
 */
export interface Fields {
  /** The first fault since `reset`, e.g. `latency_ms is negative`; undefined while all is well. */
  readonly reason: string | undefined;
  reset(): void;
  fail(reason: string): void;
  /** Text that must be there. */
  text(value: unknown, name: string): string;
  /** A whole number ≥ 0 that must be there. */
  count(value: unknown, name: string): number;
  /** The same; `fallback` when absent. */
  countOr(value: unknown, name: string, fallback: number): number;
  /** The same; undefined when absent. */
  optionalCount(value: unknown, name: string): number | undefined;
  /** A number ≥ 0. */
  amount(value: unknown, name: string): number | undefined;
  /** A duration in the source's unit, as milliseconds. */
  duration(value: unknown, name: string, msPerUnit: number): number | undefined;
  /** An amount of money as USD; `unitsPerUsd` is 1 for dollars and 100 for cents. */
  money(value: unknown, name: string, unitsPerUsd: number): number | undefined;
  timestamp(value: unknown, name: string): number | undefined;
}

/** A request that took longer is a fault of the log: no provider keeps a connection for a week. */
export const MAX_DURATION_MS = 7 * 86_400_000;
/** A count above this is a fault of the log, and sums of such counts would no longer be exact. */
export const MAX_COUNT = 1e12;

export function createFields(): Fields {
  let reason: string | undefined;
  const fail = (text: string) => {
    reason ??= text;
  };
  const amount = (value: unknown, name: string): number | undefined => {
    if (isAbsent(value)) return undefined;
    const number = toNumber(value);
    if (Number.isNaN(number)) fail(`${name} is not a number`);
    else if (number < 0) fail(`${name} is negative`);
    else if (number === Number.POSITIVE_INFINITY) fail(`${name} is infinite`);
    else return number;
    return undefined;
  };
  const optionalCount = (value: unknown, name: string): number | undefined => {
    const number = amount(value, name);
    if (number === undefined) return undefined;
    if (!Number.isInteger(number)) fail(`${name} is not a whole number`);
    if (number > MAX_COUNT) fail(`${name} is out of range`);
    return number;
  };
  const countOr = (value: unknown, name: string, fallback: number): number =>
    optionalCount(value, name) ?? fallback;
  return {
    get reason() {
      return reason;
    },
    reset() {
      reason = undefined;
    },
    fail,
    text(value, name) {
      if (typeof value === 'string' && value.trim() !== '') return value;
      if (typeof value === 'number') return String(value);
      fail(isAbsent(value) || value === '' ? `${name} is missing` : `${name} is not text`);
      return '';
    },
    count(value, name) {
      if (isAbsent(value)) fail(`${name} is missing`);
      return countOr(value, name, 0);
    },
    countOr,
    optionalCount,
    amount,
    duration(value, name, msPerUnit) {
      const number = amount(value, name);
      if (number === undefined) return undefined;
      const ms = snap(number * msPerUnit);
      if (ms > MAX_DURATION_MS) fail(`${name} is out of range`);
      return ms;
    },
    money(value, name, unitsPerUsd) {
      const number = amount(value, name);
      return number === undefined ? undefined : number / unitsPerUsd;
    },
    timestamp(value, name) {
      if (isAbsent(value)) return undefined;
      const at = parseTimestamp(value);
      if (at === undefined) fail(`${name} is not a time`);
      return at;
    },
  };
}

/**
 * Undoes the last bit that a conversion spoils (1.005 s × 1000 is 1004.9999999999999): a value that is a whole
 * number of microseconds but for that is taken for it.
 */
function snap(ms: number): number {
  const us = ms * 1000;
  const whole = Math.round(us);
  return Math.abs(us - whole) <= whole * 1e-14 ? whole / 1000 : ms;
}

export function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

function toNumber(value: unknown): number {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || value.trim() === '') return Number.NaN;
  return /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(value) ? Number(value) : Number.NaN;
}

/**
 * A status as logs write it: an HTTP status (number or numeric text), `ok`, `success`, or an error class.
 * Absent is ok: logs that keep no status keep what succeeded.
 */
export function statusOf(value: unknown): string {
  if (isAbsent(value)) return 'ok';
  if (value === true) return 'ok';
  if (value === false) return 'other';
  const number = toNumber(value);
  if (!Number.isNaN(number)) return number >= 100 ? (classifyStatus(number) ?? 'ok') : 'other';
  const word = String(value).trim().toLowerCase();
  return word === 'success' || word === 'succeeded' || word === 'completed' ? 'ok' : word;
}

/** A record's optional text: undefined unless it is text with something in it. */
export function optionalText(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  return typeof value === 'number' ? String(value) : undefined;
}
