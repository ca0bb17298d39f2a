import type { DnsRecordSet } from '../../world.ts';
import { contentsOf, setOfContents } from './contents.ts';
import { type RecordChange, type RecordKey, recordSet } from './records.ts';
import { fieldsOf, listOf, strangeAnswer } from './rest.ts';

/**
 * Record sets as PowerDNS keeps them. Besides its values a set may have disabled records, which nobody is answered, and
 * comments. `raw.disabled` holds the contents of those, `raw.comments` these, and `raw.ttl` the TTL of a set that has
 * disabled records only.
 */
interface Besides {
  disabled: string[];
  comments: unknown[];
  ttl: number;
}

const NOTHING: Besides = { disabled: [], comments: [], ttl: 0 };

function besides({ raw, ttl }: DnsRecordSet): Besides {
  const { disabled, comments, ttl: own } = fieldsOf(raw);
  return {
    disabled: listOf(disabled).map(String),
    comments: [...listOf(comments)],
    ttl: typeof own === 'number' ? own : ttl,
  };
}

function setWith(key: RecordKey, ttl: number, contents: readonly string[], kept: Besides): DnsRecordSet {
  const { disabled, comments } = kept;
  const more = {
    ...(disabled.length === 0 ? {} : { disabled: [...disabled].sort() }),
    ...(comments.length === 0 ? {} : { comments }),
    ...(contents.length === 0 && disabled.length > 0 ? { ttl: kept.ttl } : {}),
  };
  return setOfContents(key, ttl, contents, { more });
}

/**
 * A set of a zone.
 * @param rrsets all sets of the zone
 */
export function setIn(rrsets: unknown, key: RecordKey): DnsRecordSet {
  if (!Array.isArray(rrsets)) throw strangeAnswer('PowerDNS', 'it has no rrsets');
  const found = rrsets.map(fieldsOf).find(({ name, type }) => name === key.name && type === key.type);
  if (!found) return recordSet(key, 0, []);
  const records = listOf(found.records).map(fieldsOf);
  const contents = (disabled: boolean) =>
    records.filter((each) => (each.disabled === true) === disabled).map(({ content }) => String(content));
  const ttl = Number(found.ttl);
  return setWith(key, ttl, contents(false), {
    disabled: contents(true),
    comments: [...listOf(found.comments)].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
    ttl,
  });
}

/**
 * What is written: texts that stay keep their cut, disabled records and comments stay. On a way back those come back
 * that were there, and what somebody else has changed of them since stays changed.
 */
export function completed({ from, to, wrote }: RecordChange): DnsRecordSet {
  const [now, then, ours] = [from, to, wrote].map((set) => (set ? besides(set) : NOTHING)) as [
    Besides,
    Besides,
    Besides,
  ];
  const disabled = [
    ...then.disabled.filter((each) => now.disabled.includes(each) || !ours.disabled.includes(each)),
    ...now.disabled.filter((each) => !ours.disabled.includes(each) && !then.disabled.includes(each)),
  ];
  const contents = contentsOf(to, { now: from });
  return setWith(to, to.ttl, contents, {
    disabled: keepable(to, contents, disabled),
    comments: exists(from) ? now.comments : then.comments,
    ttl: then.ttl || now.ttl,
  });
}

/** PowerDNS has each content once in a set, and one CNAME, counting those that are disabled. */
function keepable(
  { type }: DnsRecordSet,
  contents: readonly string[],
  disabled: readonly string[],
): string[] {
  if (type === 'CNAME' && contents.length > 0) return [];
  return disabled.filter((each) => !contents.includes(each));
}

const exists = (set: DnsRecordSet) => set.values.length > 0 || besides(set).disabled.length > 0;

/** What goes stands before what comes: a CNAME makes way for addresses of its name within one transaction. */
export function patchOf(changes: readonly RecordChange[]): unknown[] {
  const goes = changes.filter(({ to }) => to.values.length === 0);
  const comes = changes.filter(({ to }) => to.values.length > 0);
  return [...goes, ...comes].map(({ from, to }) => {
    const { name, type } = to;
    if (!exists(to)) return { name, type, changetype: 'DELETE' };
    const { disabled, comments, ttl } = besides(to);
    const contents = contentsOf(to);
    return {
      name,
      type,
      ttl: contents.length === 0 ? ttl : to.ttl,
      changetype: 'REPLACE',
      records: [
        ...contents.map((content) => ({ content, disabled: false })),
        ...disabled.map((content) => ({ content, disabled: true })),
      ],
      // Of a set that stays they stay by themselves.
      ...(exists(from) || comments.length === 0 ? {} : { comments }),
    };
  });
}
