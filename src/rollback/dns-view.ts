import type { PlannedHook } from '../operation/plan.ts';
import type { DnsReading, DnsRecordSet, Side } from '../world.ts';
import {
  type Displaced,
  isLowered,
  isOf,
  type KnownRecord,
  type Ledger,
  sameRecord,
  sameValues,
  shouldSay,
} from './moved.ts';
import { leadsTo, otherSide } from './sides.ts';

/** What is known of DNS besides what the servers say now. */
export interface DnsKnowledge {
  ledger: Ledger;
  /** What each record said when it was first read for a checkpoint; by server. */
  start: ReadonlyMap<string, readonly DnsRecordSet[]>;
}

/** One record: what it says, and what it should. */
export interface RecordView {
  server: string;
  label: string;
  name: string;
  type: DnsRecordSet['type'];
  /** null: it was not read. */
  says: DnsRecordSet | null;
  /** What our own steps have left there, or what was there at the start; null when nobody knows. */
  should: DnsRecordSet | null;
  /** What it said before this migration moved it; null while it has not. */
  found: DnsRecordSet | null;
  /** Whether it is as it should be; null when that cannot be told. */
  ok: boolean | null;
  /** Why it was not read. */
  error?: string;
}

/**
 * Every record that the config names, or that this migration has moved, held against what it should say: what our own
 * steps wrote last, or what was found at the start; or what the config has for the active provider, where that is
 * newer.
 */
export function viewRecords(
  hooks: readonly PlannedHook[],
  readings: readonly DnsReading[],
  known: DnsKnowledge,
  active: Side,
): RecordView[] {
  const named = hooks.flatMap(({ label, server, sides }): RecordView[] => {
    const reading = readings.find((one) => one.label === label);
    if (server === undefined || !sides) return [];
    return sides[active].map((config) => {
      const says = reading?.records?.find(isOf(config)) ?? null;
      const record = known.ledger.records.find((one) => one.server === server && isOf(config)(one)) ?? null;
      const start = known.start.get(server)?.find(isOf(config)) ?? null;
      const unknown = known.ledger.unknown.has(server);
      const leadsAway = says !== null && leadsTo(otherSide(active), says, sides);
      const { name, type } = config;
      return {
        ...{ server, label, name, type, says },
        ...judged(says, { record, start, config, unknown, leadsAway }),
        ...(reading?.error === undefined ? {} : { error: reading.error }),
      };
    });
  });
  const beside = known.ledger.records.filter(
    (record) => record.moved && !named.some((one) => one.server === record.server && isOf(record)(one)),
  );
  return [
    ...named,
    ...beside.map((record): RecordView => {
      const { server, name, type } = record;
      const speaks = hooks.some((hook) => hook.server === server);
      const error = speaks
        ? 'no hook of the config names it any more'
        : 'no hook speaks to its server any more';
      const should = shouldSay(record);
      return {
        server,
        label: server,
        name,
        type,
        says: null,
        should,
        found: foundIn(record),
        ok: null,
        error,
      };
    }),
  ];
}

interface Measures {
  record: KnownRecord | null;
  start: DnsRecordSet | null;
  config: DnsRecordSet;
  unknown: boolean;
  /** It leads to the other provider. */
  leadsAway: boolean;
}

function judged(
  says: DnsRecordSet | null,
  { record, start, config, unknown, leadsAway }: Measures,
): Pick<RecordView, 'should' | 'found' | 'ok'> {
  const should = record ? shouldSay(record) : start;
  const found = record && foundIn(record);
  if (says === null || (unknown && !record)) return { should, found, ok: null };
  const or = record?.moved && !record.moved.left ? record.moved.or : [];
  const byConfig = isRightByConfig(says, config, should, record?.moved ?? null);
  if (should) return { should, found, ok: byConfig || [should, ...or].some((one) => sameRecord(one, says)) };
  // Never moved and never read before: wrong only where it leads to the other side.
  return { should: leadsAway ? config : says, found, ok: !leadsAway };
}

/**
 * Whether a record is right by what the config has for the active provider, whatever is known of it: a newer value,
 * which leads to no older one, and where nothing of ours stands also just that TTL.
 */
function isRightByConfig(
  says: DnsRecordSet,
  config: DnsRecordSet,
  should: DnsRecordSet | null,
  moved: Displaced | null,
): boolean {
  if (!sameValues(config, says)) return false;
  if (moved && isLowered(moved) && !moved.left) return true;
  if (!moved && sameRecord(config, says)) return true;
  const known = [...(should ? [should] : []), ...(moved ? [moved.wrote, ...moved.or] : [])];
  return !known.some((one) => sameValues(one, says));
}

/** Whether a record that our steps have moved says what the config has, and not what they left there. */
export function isNewer({ says, should, found, ok }: RecordView): boolean {
  return ok === true && found !== null && says !== null && should !== null && !sameValues(says, should);
}

const foundIn = ({ moved }: KnownRecord): DnsRecordSet | null => moved?.found ?? null;

/** The same records, held against what they said for a checkpoint; those that it does not know are left out. */
export function againstCheckpoint(views: readonly RecordView[], dns: readonly DnsReading[]): RecordView[] {
  return dns.flatMap(({ server, label, records }) =>
    (records ?? []).map((should): RecordView => {
      const { name, type } = should;
      const at = (one: RecordView) => (server === undefined ? one.label === label : one.server === server);
      const view = views.find((one) => at(one) && isOf(should)(one));
      const says = view?.says ?? null;
      const gone = view ? {} : { error: 'no hook of the config names it any more' };
      const base = view ?? { server: server ?? label, label, name, type, found: null };
      return { ...base, says, should, ok: says && sameRecord(says, should), ...gone };
    }),
  );
}
