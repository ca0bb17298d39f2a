import { messageOf } from '../errors.ts';
import type { Hook } from '../hooks/hook.ts';
import { storable, storableRecords } from '../output/storable.ts';
import type { DnsKnowledge, RecordView } from '../rollback/dns-view.ts';
import { isOf, ledgerOf } from '../rollback/moved.ts';
import { importedCheckpoints, listCheckpoints } from '../store/checkpoints.ts';
import type { Db } from '../store/open.ts';
import type { DnsReading, DnsRecordSet, Side } from '../world.ts';
import { formerServer, movingSteps } from './moving.ts';
import type { PlannedHook, PlannedStep } from './plan.ts';

/** A server that does not answer must not hold a change up for long. */
const READ_MS = 3000;

/** Asks the servers of all DNS hooks that can read, side by side. A fault is part of the answer. */
export function readDns(hooks: readonly Hook[], redact: (text: string) => string): Promise<DnsReading[]> {
  return Promise.all(
    hooks.flatMap((hook) => {
      if (!hook.read) return [];
      const read = hook.read(AbortSignal.timeout(READ_MS));
      const { label, server } = hook;
      const whose = { label, ...(server === undefined ? {} : { server }) };
      return [
        read.then(
          (records): DnsReading => ({ ...whose, records }),
          (error: unknown): DnsReading => ({
            ...whose,
            records: null,
            error: storable(messageOf(error), redact),
          }),
        ),
      ];
    }),
  );
}

/**
 * What keeps the DNS steps of a plan from writing what they are to, as far as their servers can be asked.
 * @param steps those that lead to record sets; others have no obstacles
 */
export async function dnsObstacles(
  hooks: readonly Hook[],
  steps: readonly PlannedStep[],
  redact: (text: string) => string,
): Promise<string[]> {
  const asked = steps.map(async ({ kind, label, server, wants, restore, byHand }): Promise<string[]> => {
    const hook = hooks.find((one) => kind === 'dns' && one.server === server && one.label === label);
    const wanted = wants ?? restore?.map(({ to }) => to) ?? [];
    if (!hook?.obstacles || byHand || wanted.length === 0) return [];
    try {
      return await hook.obstacles(wanted, AbortSignal.timeout(READ_MS));
    } catch (error) {
      return [storable(`${label}: whether it can be written is not known: ${messageOf(error)}`, redact)];
    }
  });
  return (await Promise.all(asked)).flat();
}

/** The same as a checkpoint keeps them: a reading with a secret in it counts as none. */
export function storableReadings(
  readings: readonly DnsReading[],
  redact: (text: string) => string,
): DnsReading[] {
  return readings.map((reading) => {
    const records = storableRecords(reading.records, redact);
    if (records !== null || reading.records === null) return reading;
    return { ...reading, records, error: 'not kept: a record holds a secret' };
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

/** The records that were read and are not what they should be. Those that could not be read are no drift. */
export function dnsDrift(views: readonly RecordView[]): DnsDrift[] {
  return views.flatMap(({ label, name, type, says, should, ok }) =>
    ok === false
      ? [{ label, name, type, expected: describeValues(should), actual: describeValues(says) }]
      : [],
  );
}

/** `target.example.net. (TTL 30 s)`, or `nothing`. */
export function describeValues(set: DnsRecordSet | null): string {
  if (!set || set.values.length === 0) return 'nothing';
  return `${[...set.values].sort().join(' ')} (TTL ${set.ttl} s)`;
}

/**
 * What is known of DNS besides what the servers say now: what our steps have moved, and what the first checkpoint that
 * knows a record has of it.
 */
export function dnsKnowledge(db: Db, hooks: readonly PlannedHook[]): DnsKnowledge {
  const start = new Map<string, DnsRecordSet[]>();
  // What was taken in from elsewhere was never read here.
  const elsewhere = importedCheckpoints(db);
  const read = listCheckpoints(db).filter(({ id }) => !elsewhere.has(id));
  for (const { dns } of read.toReversed()) {
    for (const { server, label, records } of dns) {
      const at = server ?? formerServer(label, hooks);
      const known = start.get(at) ?? [];
      const added = (records ?? []).filter((set) => !known.some(isOf(set)));
      start.set(at, [...known, ...added]);
    }
  }
  return { ledger: ledgerOf(movingSteps(db, hooks)), start };
}
