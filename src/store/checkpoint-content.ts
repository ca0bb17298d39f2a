import { createHash } from 'node:crypto';
import type { Checkpoint } from './checkpoints.ts';

/** A checkpoint as one database gives it to another: its number, its pin and its links stay behind. */
export type ImportedCheckpoint = Omit<Checkpoint, 'id' | 'pinned' | 'operationId' | 'previous'>;

/** The longest reason, and the longest fault of a reading, in UTF-16 units. The journal keeps a longer reason whole. */
export const MAX_TEXT = 10_000;

/** A checkpoint whose texts are no longer than one may have: what is too long ends in `…`. */
export function fitting<C extends Pick<ImportedCheckpoint, 'reason' | 'dns'>>(checkpoint: C): C {
  const dns = checkpoint.dns.map((reading) =>
    reading.error === undefined ? reading : { ...reading, error: cut(reading.error) },
  );
  return { ...checkpoint, reason: cut(checkpoint.reason), dns };
}

// Half of a pair would be no text.
const cut = (text: string): string =>
  text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT - 1).replace(/[\ud800-\udbff]$/, '')}…`;

/** What a checkpoint says, as a hash: the same in every database, however its JSON is laid out. */
export function contentHash({
  at,
  reason,
  status,
  ratio,
  activeProvider,
  dns,
  metrics,
}: ImportedCheckpoint): string {
  const content = sorted({ at, reason, status, ratio, activeProvider, dns, metrics });
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}

/** The same JSON value with the keys of each object in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  // An array of pairs, as an object puts keys that are numbers first.
  return { entries: entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, each]) => [key, sorted(each)]) };
}

/**
 * Sorts out what is here already.
 * @param as how a checkpoint would be taken in: existing ones are compared by that too
 * @returns those of `imported` that are new, each once, and the numbers of those that are here, in order
 */
export function sortOut(
  existing: readonly Checkpoint[],
  imported: readonly ImportedCheckpoint[],
  as: (one: ImportedCheckpoint) => ImportedCheckpoint,
): { fresh: ImportedCheckpoint[]; known: number[] } {
  const ids = new Map(existing.map((one) => [contentHash(as(one)), one.id]));
  const fresh = new Map<string, ImportedCheckpoint>();
  const known = new Set<number>();
  for (const one of imported.map(as)) {
    const hash = contentHash(one);
    const id = ids.get(hash);
    if (id === undefined) fresh.set(hash, one);
    else known.add(id);
  }
  return { fresh: [...fresh.values()], known: [...known].sort((a, b) => a - b) };
}
