import type { RecordType } from '../../src/config/dns-values.ts';

/** A DNS server, or what stands in for one, as the contract suite of the DNS drivers uses it. */
export interface DnsBench {
  /** Folder of the config, and the environment that its references are looked up in. */
  dir: string;
  env: Readonly<Record<string, string | undefined>>;
  /** What must not be seen in any output. */
  secrets: string[];
  /** The entry of the config for these records; `more` replaces keys of it. */
  entry(records: unknown[], more?: object): Record<string, unknown>;
  /** Keys of an entry with wrong credentials, and the error that they lead to. */
  wrongSecret: { change: object; code: string };
  /** Keys of an entry where nobody answers. */
  unreachable(): Promise<object>;
  /** The values of a record, sorted, read by another way than the driver's. */
  look(name: string, type: RecordType): Promise<string[]>;
  /** All that the server keeps of a name, sorted, by another way than the driver's: types, TTLs, cuts, case and the rest. */
  exact(name: string): Promise<string[]>;
  /** How a byte of a text is written for `put`. */
  byte(value: number): string;
  /** Sets a record by another way than the driver's; values as a zone file has them. */
  put(name: string, type: RecordType, ttl: number, values: string[]): Promise<void>;
  /**
   * A way to the server on which something else sets a record as `put` does, once, after the driver has read and before
   * it writes: keys for the entry, and the environment.
   */
  withWriterBetween(
    ...put: Parameters<DnsBench['put']>
  ): Promise<{ change: object; env: DnsBench['env']; stop(): Promise<void> }>;
  stop(): Promise<void>;
}
