import type { RecordType } from '../../src/config/dns-values.ts';

export interface ZoneRecord {
  id: string;
  /** Absolute, with a trailing dot. */
  name: string;
  type: RecordType;
  ttl: number;
  /** As a zone file has it. */
  content: string;
  /** What Cloudflare keeps besides. */
  proxied: boolean;
  comment?: string;
  tags?: string[];
  settings?: Record<string, unknown>;
}

/** What the stand-ins of hosted DNS keep: records, and the rule that a CNAME stands alone. */
export interface Zone {
  records: ZoneRecord[];
  find(name: string, type: string): ZoneRecord[];
  /** Works on a copy and keeps it only when it ends well: a transaction. */
  transaction(work: (zone: Zone) => void): void;
  add(record: Omit<ZoneRecord, 'id'>): ZoneRecord;
  remove(id: string): void;
}

export class ZoneConflict extends Error {}

let serial = 0;

export function makeZone(initial: readonly ZoneRecord[] = []): Zone {
  const zone: Zone = {
    records: initial.map((record) => ({ ...record })),
    find: (name, type) => zone.records.filter((record) => record.name === name && record.type === type),
    transaction(work) {
      const copy = makeZone(zone.records);
      work(copy);
      zone.records = copy.records;
    },
    add(record) {
      const beside = zone.records.filter(({ name }) => name === record.name);
      const alone = record.type === 'CNAME' ? beside.length > 0 : beside.some(({ type }) => type === 'CNAME');
      if (alone) throw new ZoneConflict(`${record.name} ${record.type}`);
      const made = { ...record, id: `id${++serial}` };
      zone.records.push(made);
      return made;
    },
    remove(id) {
      zone.records = zone.records.filter((record) => record.id !== id);
    },
  };
  return zone;
}
