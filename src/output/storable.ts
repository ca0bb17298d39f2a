import { safeLines } from '../clean.ts';

/**
 * A value as it may be stored and sent on: every string in it without secrets, and without what a terminal obeys.
 * Line breaks stay.
 */
export function storable<T>(value: T, redact: (text: string) => string): T {
  return changed(value, (text) => safeLines(redact(text))) as T;
}

/**
 * The same for DNS records, which are public and are written back exactly as they were read: they stay whole, or, where
 * one holds a secret, are left out. Unknown is put back from the config; `***` would be put back as it stands.
 */
export function storableRecords<T>(records: T, redact: (text: string) => string): T | null {
  const text = JSON.stringify(records ?? null);
  return text === JSON.stringify(changed(records ?? null, redact)) ? records : null;
}

function changed(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((each) => changed(each, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [change(key), changed(each, change)]));
}
