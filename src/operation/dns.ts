import { messageOf } from '../errors.ts';
import type { Hook } from '../hooks/hook.ts';
import { storable, storableRecords } from '../output/storable.ts';
import type { DnsReading, DnsRecordSet, Side } from '../world.ts';

/** A server that does not answer must not hold a change up for long. */
const READ_MS = 3000;

/** Asks the servers of all DNS hooks that can read, side by side. A fault is part of the answer. */
export function readDns(hooks: readonly Hook[], redact: (text: string) => string): Promise<DnsReading[]> {
  return Promise.all(
    hooks.flatMap((hook) => {
      if (!hook.read) return [];
      const read = hook.read(AbortSignal.timeout(READ_MS));
      return [
        read.then(
          (records): DnsReading => ({ label: hook.label, records }),
          (error: unknown): DnsReading => ({
            label: hook.label,
            records: null,
            error: storable(messageOf(error), redact),
          }),
        ),
      ];
    }),
  );
}

/** The same as a checkpoint keeps them: a reading with a secret in it counts as none. */
export function storableReadings(
  readings: readonly DnsReading[],
  redact: (text: string) => string,
): DnsReading[] {
  return readings.map((reading) => {
    const records = storableRecords(reading.records, redact);
    if (records !== null || reading.records === null) return reading;
    return { label: reading.label, records, error: 'not kept: a record holds a secret' };
  });
}

/** The sets, as they are now, that say something else than what `side` should have. */
export function movingSets(
  hooks: readonly Hook[],
  readings: readonly DnsReading[],
  side: Side,
): DnsRecordSet[] {
  return hooks.flatMap((hook) => {
    const records = readings.find(({ label }) => label === hook.label)?.records ?? [];
    return (hook.expected?.(side) ?? []).flatMap((to) => {
      const now = records.find(({ name, type }) => name === to.name && type === to.type);
      return now && String(now.values) !== String(to.values) ? [now] : [];
    });
  });
}

/** One record set that is not what it should be. */
export interface DnsDrift {
  label: string;
  name: string;
  type: string;
  expected: string;
  actual: string;
}

/** Where servers do not say what the active provider's records should be. Those that could not be read are no drift. */
export function dnsDrift(hooks: readonly Hook[], readings: readonly DnsReading[], active: Side): DnsDrift[] {
  return hooks.flatMap((hook) => {
    const records = readings.find(({ label }) => label === hook.label)?.records;
    if (!records || !hook.expected) return [];
    return hook.expected(active).flatMap((expected) => {
      const actual = records.find(({ name, type }) => name === expected.name && type === expected.type);
      const [should, is] = [describe(expected), describe(actual)];
      return should === is
        ? []
        : [{ label: hook.label, name: expected.name, type: expected.type, expected: should, actual: is }];
    });
  });
}

function describe(set: DnsRecordSet | undefined): string {
  if (!set || set.values.length === 0) return 'nothing';
  return `${[...set.values].sort().join(' ')} (TTL ${set.ttl} s)`;
}
