import type { DnsRecordSet } from '../world.ts';
import { isOf, type MovingStep, sameRecord, sameValues } from './moved.ts';

/** A record that says what it did before with a longer TTL: who asked then may keep it for as long as that. */
export interface KeptLonger extends Pick<DnsRecordSet, 'name' | 'type'> {
  /** The longer TTL, in seconds. */
  ttl: number;
  /** When a step of ours ended that; Unix milliseconds. */
  until: number;
}

/**
 * Those of some sets of a server that resolvers may keep for longer than their TTL says, as a step of ours has shortened
 * it: of each what lasts longest. Pure.
 * @param now Unix milliseconds
 */
export function keptLonger(
  steps: readonly MovingStep[],
  server: string,
  sets: readonly DnsRecordSet[],
  now: number,
): KeptLonger[] {
  const here = steps.filter((step) => step.server === server);
  return sets.flatMap((set) => {
    const longer = here
      .flatMap((step) => endedBy(step, set))
      .filter(({ ttl, until }) => until + ttl * 1000 > now + set.ttl * 1000);
    return longer.toSorted((a, b) => b.until + b.ttl * 1000 - (a.until + a.ttl * 1000)).slice(0, 1);
  });
}

/** What a step found that says the same as `set`, and ended. */
function endedBy({ before, after, at }: MovingStep, set: DnsRecordSet): KeptLonger[] {
  const found = before?.find(isOf(set));
  const wrote = after?.find(isOf(set));
  if (at === undefined || !found || !wrote || sameRecord(found, wrote) || !sameValues(found, set)) return [];
  const { name, type, ttl } = found;
  return [{ name, type, ttl, until: at }];
}
