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
  /** Sets a record by another way than the driver's; values as a zone file has them. */
  put(name: string, type: RecordType, ttl: number, values: string[]): Promise<void>;
  stop(): Promise<void>;
}
