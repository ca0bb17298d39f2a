import type { RawObject } from './format.ts';

/** An object, or the object that a string holds as JSON (as logs exported to CSV or nested in logs do); else undefined. */
export function objectOf(value: unknown): RawObject | undefined {
  if (typeof value === 'string') {
    if (!value.trimStart().startsWith('{')) return undefined;
    try {
      return objectOf(JSON.parse(value));
    } catch {
      return undefined;
    }
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as RawObject)
    : undefined;
}

/** The value under nested keys; undefined where a level is missing. Levels may be JSON in text. */
export function dig(value: unknown, ...keys: readonly string[]): unknown {
  let inner = value;
  for (const key of keys) {
    const object = objectOf(inner);
    if (!object || !Object.hasOwn(object, key)) return undefined;
    inner = object[key];
  }
  return inner;
}

/** The first of some values that is there. */
export function firstOf(...values: readonly unknown[]): unknown {
  return values.find((value) => value !== undefined && value !== null && value !== '');
}

/** Milliseconds from one time to a later one, to the microsecond; the difference of two doubles is no more exact. */
export function elapsed(from: number | undefined, to: number | undefined): number | undefined {
  return from === undefined || to === undefined ? undefined : Math.round((to - from) * 1000) / 1000;
}

/** Whether a flag is set, in any of the ways logs write it: true, `"True"`, `"true"`, 1. */
export function isSet(value: unknown): boolean {
  return value === true || value === 1 || (typeof value === 'string' && /^(true|1|yes)$/i.test(value.trim()));
}
