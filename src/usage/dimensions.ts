/**
 * What a request may be charged for besides plain tokens, each a whole number ≥ 0. `cacheWrite1h` is part of
 * `cacheWrite`; the cached audio and image tokens are part of those and of the cached input tokens.
 */
export const DIMENSIONS = [
  /** Input tokens written to the provider's cache. */
  'cacheWrite',
  /** Those of them that are to be kept for an hour. */
  'cacheWrite1h',
  'audioInput',
  'cachedAudio',
  'imageInput',
  'cachedImage',
  'audioOutput',
  'imageOutput',
  /** Output tokens that nobody sees. */
  'reasoning',
  /** Searches of the web, which are no tokens. */
  'searches',
] as const;

export type Dimension = (typeof DIMENSIONS)[number];

/** Counts by dimension; a dimension that is missing was not told, which is not zero. */
export type Counts = { [K in Dimension]?: number };

export function addCounts(into: Counts, more: Counts): void {
  for (const key in more) {
    const dimension = key as Dimension;
    into[dimension] = (into[dimension] ?? 0) + (more[dimension] as number);
  }
}

/** Tiers of service that are sold at prices of their own. */
export const SERVICE_TIERS = ['batch', 'flex', 'priority'] as const;

export type ServiceTier = (typeof SERVICE_TIERS)[number] | 'another tier';

/** What providers call the tier that everybody gets, in small letters. */
export const PLAIN_TIERS: ReadonlySet<string> = new Set([
  '',
  'default',
  'standard',
  'standard_only',
  'auto',
  'on_demand',
]);

/**
 * A tier of service as logs write it; undefined for the one that everybody gets, and where none is said. Tiers that no
 * list prices are one: their names must not tell records apart in any number.
 */
export function serviceTierOf(value: unknown): ServiceTier | undefined {
  if (typeof value !== 'string') return undefined;
  const name = value.trim().toLowerCase();
  if (PLAIN_TIERS.has(name)) return undefined;
  return SERVICE_TIERS.find((tier) => tier === name) ?? 'another tier';
}
