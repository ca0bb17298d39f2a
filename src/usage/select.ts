import { ownText } from './own-text.ts';
import type { UsageRecord } from './record.ts';

/** Which records are wanted. Several values of one kind mean any of them. */
export interface Selection {
  /** Unix milliseconds; from is included, until is not. */
  since?: number;
  until?: number;
  models: readonly string[];
  providers: readonly string[];
  users: readonly string[];
}

/** Why a record is older or younger than wanted; whoever knows the period looks for these. */
export const BEFORE_SINCE = 'before --since';
export const AFTER_UNTIL = 'after --until';
export const WITHOUT_TIME = 'without a time';

/** Says why a record is not wanted; undefined when it is. */
export function createSelector(selection: Selection): (record: UsageRecord) => string | undefined {
  const { since, until } = selection;
  const models = matcher(selection.models);
  const providers = matcher(selection.providers);
  const users = matcher(selection.users);
  return (record) => {
    if (since !== undefined || until !== undefined) {
      if (record.at === undefined) return WITHOUT_TIME;
      if (since !== undefined && record.at < since) return BEFORE_SINCE;
      if (until !== undefined && record.at >= until) return AFTER_UNTIL;
    }
    if (models && !models(record.model)) return 'of another model';
    if (providers && !providers(record.provider ?? '')) return 'of another provider';
    if (users && !users(record.user ?? '')) return 'of another user';
    return undefined;
  };
}

/** Names, in which `*` stands for anything. */
function matcher(names: readonly string[]): ((text: string) => boolean) | undefined {
  if (names.length === 0) return undefined;
  const exact = new Set(names.filter((name) => !name.includes('*')));
  const patterns = names
    .filter((name) => name.includes('*'))
    .map((name) => new RegExp(`^${name.split('*').map(escaped).join('.*')}$`, 's'));
  return (text) => exact.has(text) || patterns.some((pattern) => pattern.test(text));
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

/** A set of V8 holds 2^24 entries at most. */
const MAX_SET = 2 ** 23;

/** Says of a record whose id was seen before that it is a duplicate; records without an id never are. */
export function createDeduplicator(): (record: UsageRecord) => string | undefined {
  let last = new Set<string>();
  const sets = [last];
  return ({ id }) => {
    if (id === undefined) return undefined;
    if (sets.some((seen) => seen.has(id))) return 'a duplicate';
    if (last.size === MAX_SET) {
      last = new Set();
      sets.push(last);
    }
    last.add(ownText(id));
    return undefined;
  };
}
