import type { DnsRecordSet, RecordMove } from '../../world.ts';
import { type RecordChange, sameSet } from './records.ts';

/** What a way back comes to on one server. */
export interface WayBack {
  changes: RecordChange[];
  /** What somebody else has changed, as it is now, and what cannot come back beside it: left alone. */
  foreign: DnsRecordSet[];
}

/**
 * What has to change so that what our steps moved is put back. What the server says decides for each set: `to` already
 * is nothing to do, `from` is ours to put back, anything else is somebody else's.
 * @param now what the server says, in the order of `moves`
 * @param same whether two sets say the same to this server
 * @param overwrite puts back what is somebody else's, too, unless it was put back already
 */
export function wayBack(
  moves: readonly RecordMove[],
  now: readonly DnsRecordSet[],
  options: { same?: typeof sameSet | undefined; overwrite: boolean },
): WayBack {
  const { same = sameSet, overwrite } = options;
  const way: WayBack = { changes: [], foreign: [] };
  moves.forEach(({ from, to, back }, index) => {
    const is = now[index] as DnsRecordSet;
    if (same(is, to)) return;
    if (same(is, from)) way.changes.push({ from: is, to, wrote: from });
    else if (overwrite && !back) way.changes.push({ from: is, to });
    else way.foreign.push(is);
  });
  const barred = way.changes.filter(({ to }) => way.foreign.some((set) => excludes(set, to)));
  const left = new Set(barred.map(({ to }) => to.name));
  return {
    changes: way.changes.filter(({ to }) => !left.has(to.name)),
    foreign: [...way.foreign, ...way.changes.filter(({ to }) => left.has(to.name)).map(({ from }) => from)],
  };
}

/** A CNAME stands alone: with one set the other cannot be. */
function excludes(a: DnsRecordSet, b: DnsRecordSet): boolean {
  const both = a.name === b.name && a.values.length > 0 && b.values.length > 0;
  return both && a.type !== b.type && (a.type === 'CNAME' || b.type === 'CNAME');
}
