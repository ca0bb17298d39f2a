import { CutoverError, EXIT } from '../../errors.ts';
import type { RecordChange } from './records.ts';

/**
 * A CNAME stands alone: where something else stands beside it, or would, it cannot come (RFC 1034, section 3.6.2). Pure.
 */

/** By name, the types that each has now. */
export type TypesAt = ReadonlyMap<string, readonly string[]>;

/** What may stand beside a CNAME all the same: what signs it, and proves what is not there (RFC 2181, section 10.1). */
const BESIDE_CNAME: readonly string[] = ['SIG', 'KEY', 'NXT', 'RRSIG', 'NSEC'];

export const mayStandBeside = (type: string): boolean => BESIDE_CNAME.includes(type);

const exists = ({ values }: RecordChange['from']): boolean => values.length > 0;

/** The sets that come where none of their name and type was: only these can meet what excludes them. */
export function comingIn(changes: readonly RecordChange[]): RecordChange[] {
  return changes.filter(({ from, to }) => !exists(from) && exists(to));
}

/** Names whose types decide whether the changes can be. */
export function namesToLookAt(changes: readonly RecordChange[]): string[] {
  return [...new Set(comingIn(changes).map(({ to }) => to.name))];
}

/** What keeps sets from coming, one text for each: `llm.example.test. cannot become a CNAME: it has TXT, too`. */
export function obstaclesTo(changes: readonly RecordChange[], types: TypesAt): string[] {
  return comingIn(changes).flatMap(({ to: { name, type } }) => {
    const goes = changes.filter(({ to }) => to.name === name && !exists(to)).map(({ to }) => to.type);
    const stays = (types.get(name) ?? []).filter((one) => !goes.some((other) => other === one));
    if (type !== 'CNAME')
      return stays.includes('CNAME') ? [`${name} cannot have ${type}: it has a CNAME`] : [];
    const beside = stays.filter((one) => one !== 'CNAME' && !mayStandBeside(one));
    return beside.length > 0 ? [`${name} cannot become a CNAME: it has ${beside.join(', ')}, too`] : [];
  });
}

export const NOT_ALONE_HINT =
  'a CNAME cannot stand beside other records of its name: remove those first, or move addresses (A, AAAA)';

/** @param obstacles at least one, see {@link obstaclesTo} */
export function notAlone(obstacles: readonly string[], cause?: unknown): CutoverError {
  return new CutoverError('DNS_NOT_ALONE', EXIT.unreachable, obstacles.join('; '), {
    hint: NOT_ALONE_HINT,
    cause,
  });
}
