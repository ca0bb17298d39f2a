import type { Place, UsageMap, Where } from '../config/usage-map.ts';
import { isAbsent } from './fields.ts';
import type { RawObject } from './format.ts';

export type Getter = (raw: RawObject) => unknown;

/** Reads the value at a place; undefined where it is not there. A sum of some parts that are not there is of the others. */
export function getter(place: Place | undefined): Getter {
  if (place === undefined) return () => undefined;
  if (typeof place === 'string') return atPath(place);
  if ('value' in place) return () => place.value;
  if ('path' in place) return atPath(place.path);
  const parts = place.sum.map(atPath);
  return (raw) => {
    const values = parts.map((part) => part(raw)).filter((value) => !isAbsent(value));
    if (values.length < 2) return values[0];
    const numbers = values.map((value) => (typeof value === 'boolean' ? Number.NaN : Number(value)));
    // What is at fault in a part is at fault in the whole, and is named by whoever reads it as a number.
    const fault = numbers.findIndex((number) => !(number >= 0));
    return fault < 0 ? numbers.reduce((sum, number) => sum + number, 0) : values[fault];
  };
}

/** Says of a record whether it meets every condition. */
export function condition(where: Where | undefined): (raw: RawObject) => boolean {
  const tests = Object.entries(where ?? {}).map(([path, wanted]) => {
    const get = atPath(path);
    if (typeof wanted === 'object' && 'exists' in wanted) {
      return (raw: RawObject) => !isAbsent(get(raw)) === wanted.exists;
    }
    const not = typeof wanted === 'object' && 'not' in wanted;
    const list = new Set([not ? wanted.not : wanted].flat().map(String));
    return (raw: RawObject) => list.has(String(get(raw))) !== not;
  });
  return (raw) => tests.every((test) => test(raw));
}

/** Every path that a map, or a part of one, looks at. */
export function pathsOf(map: Partial<UsageMap>): string[] {
  const { where, cachedTokens, reasoning, sameId, caveat, ...places } = map;
  const conditions = { ...where, ...exclusiveWhere(cachedTokens), ...exclusiveWhere(reasoning) };
  const named = Object.values(places).flatMap((place) => {
    if (typeof place === 'string') return [place];
    if (place === undefined) return [];
    if ('path' in place) return [place.path];
    return 'sum' in place ? place.sum : [];
  });
  return [...named, ...Object.keys(conditions)];
}

function exclusiveWhere(holds: UsageMap['cachedTokens'] | undefined): Where {
  return typeof holds === 'object' ? holds.exclusiveWhere : {};
}

function atPath(path: string): Getter {
  const keys = path.split('.');
  return (raw) => {
    // A CSV header may hold dots itself.
    if (Object.hasOwn(raw, path)) return raw[path];
    let value: unknown = raw;
    for (const key of keys) {
      value = step(value, key);
      if (value === undefined) return undefined;
    }
    return value;
  };
}

function step(value: unknown, key: string): unknown {
  let holder = value;
  if (typeof holder === 'string' && /^\s*[[{]/.test(holder)) {
    try {
      holder = JSON.parse(holder);
    } catch {
      // Text that only looks like JSON has no fields.
      return undefined;
    }
  }
  if (typeof holder !== 'object' || holder === null || !Object.hasOwn(holder, key)) return undefined;
  return (holder as Record<string, unknown>)[key];
}
