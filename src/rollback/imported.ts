import type { DnsReading, DnsRecordSet, Side } from '../world.ts';
import { isOf } from './moved.ts';
import { leadsTo, type Sides } from './sides.ts';

/** A record of an imported checkpoint for which its reading is not taken in. */
export interface LeftOut {
  name: string;
  type: DnsRecordSet['type'];
  why: 'no hook names it' | 'it leads to target, in a checkpoint of legacy';
}

/**
 * An imported checkpoint without what a rollback to it must not write: records that no hook of the config names, and
 * those that would lead to target though the checkpoint is of legacy. A reading that has such a one counts as none:
 * half of what a hook moves must not be put back for all of it.
 */
export function importable<C extends { activeProvider: Side; dns: DnsReading[] }>(
  checkpoint: C,
  named: Sides,
): { checkpoint: C; leftOut: LeftOut[] } {
  const judged = checkpoint.dns.map((reading) => {
    const leftOut = (reading.records ?? []).flatMap((set): LeftOut[] => {
      const why = whyNot(set, checkpoint.activeProvider, named);
      return why ? [{ name: set.name, type: set.type, why }] : [];
    });
    const told = leftOut.map(describeLeftOut).join('; ');
    const kept =
      told === ''
        ? { ...reading, records: reading.records?.map(compared) ?? null }
        : { label: reading.label, records: null, error: `not taken in: ${told}` };
    return { kept, leftOut };
  });
  return {
    checkpoint: { ...checkpoint, dns: judged.map(({ kept }) => kept) },
    leftOut: judged.flatMap(({ leftOut }) => leftOut),
  };
}

/** Only what was looked at: a driver's own form of the same record could say something else. */
function compared({ name, type, ttl, values }: DnsRecordSet): DnsRecordSet {
  return { name, type, ttl, values: [...values].sort() };
}

export const describeLeftOut = ({ name, type, why }: LeftOut): string => `${name} ${type}: ${why}`;

function whyNot(set: DnsRecordSet, provider: Side, named: Sides): LeftOut['why'] | null {
  if (!named.legacy.some(isOf(set))) return 'no hook names it';
  const leads = provider === 'legacy' && leadsTo('target', compared(set), named);
  return leads ? 'it leads to target, in a checkpoint of legacy' : null;
}
