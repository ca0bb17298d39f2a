import { setMaxListeners } from 'node:events';
import type { DnsRecordSet } from '../../world.ts';
import type { TypesAt } from './alone.ts';
import type { RecordChange, RecordKey } from './records.ts';

/** What speaks to one kind of DNS server. */
export interface RecordStore {
  /** What the server says now: one set for each key, in their order, empty where there is none. */
  read(keys: readonly RecordKey[], signal: AbortSignal): Promise<DnsRecordSet[]>;
  /** The changes with all that is to be written: what the server keeps of a set besides its values stays or comes back. */
  complete(changes: readonly RecordChange[]): RecordChange[];
  /** Whether what the server says is what a set says, where it does not give back a TTL as it was written. */
  same?(is: DnsRecordSet, set: DnsRecordSet): boolean;
  /**
   * Replaces record sets, all together or none where the server can.
   * @throws CutoverError DNS_CHANGED (69) when the server can tell that a set is no longer what `from` says.
   */
  replace(changes: readonly RecordChange[], signal: AbortSignal): Promise<void>;
  /** Where it can be asked: the types that each name has, whatever they are. */
  types?(names: readonly string[], signal: AbortSignal): Promise<TypesAt>;
  /** Shows that these sets could be replaced, where that can be seen without replacing any. */
  prove?(now: readonly DnsRecordSet[], signal: AbortSignal): Promise<void>;
}

/** Reads for all keys side by side, in their order. */
export function sideBySide<K, T>(
  keys: readonly K[],
  signal: AbortSignal,
  read: (key: K, signal: AbortSignal) => Promise<T>,
): Promise<T[]> {
  // Each of them listens to the signal: that many are meant.
  setMaxListeners(0, signal);
  return Promise.all(keys.map((key) => read(key, signal)));
}
