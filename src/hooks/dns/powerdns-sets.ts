import type { DnsRecordSet } from '../../world.ts';
import { contentsOf, setOfContents } from './contents.ts';
import type { RecordChange, RecordKey } from './records.ts';
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

/** A record of a zone that nobody is answered. */
export interface DisabledRecord extends RecordKey {
  content: string;
  ttl: number;
}

/**
 * The disabled records in the answers of searches, one of them for the zone's own name; null where they cannot be relied
 * on: a server that cannot search does not find the zone's SOA either.
 * @param limit what a search gives at most
 */
export function disabledIn(
  answers: readonly unknown[],
  zone: string,
  limit: number,
): DisabledRecord[] | null {
  const records = answers.map((answer) => listOf(answer).map(fieldsOf));
  const found = records.flat().filter((each) => each.zone_id === zone || each.zone === zone);
  if (records.some((list) => list.length >= limit)) return null;
  if (!found.some(({ name, type }) => name === zone && type === 'SOA')) return null;
  return found.flatMap(({ name, type, content, ttl, disabled }) =>
    disabled === true
      ? [{ name: String(name), type: type as RecordKey['type'], content: String(content), ttl: Number(ttl) }]
      : [],
  );
}

/**
 * A set of a zone.
 * @param rrsets the sets that the server tells, at least this one if it is there
 * @param known disabled records that it may have left out
 */
export function setIn(rrsets: unknown, key: RecordKey, known: readonly DisabledRecord[] = []): DnsRecordSet {
  if (!Array.isArray(rrsets)) throw strangeAnswer('PowerDNS', 'it has no rrsets');
  const isIts = ({ name, type }: { name?: unknown; type?: unknown }) =>
    name === key.name && type === key.type;
  const found = rrsets.map(fieldsOf).find(isIts) ?? {};
  const records = listOf(found.records).map(fieldsOf);
  const contents = records.flatMap(({ content, disabled }) => (disabled === true ? [] : [String(content)]));
  const hidden = known.filter(isIts);
  const disabled = [
    ...records.flatMap((each) => (each.disabled === true ? [String(each.content)] : [])),
    ...hidden.map(({ content }) => content),
  ];
  // Comments that are left of a set that is gone are none of its.
  const comments = contents.length + disabled.length === 0 ? [] : listOf(found.comments);
  const ttl = records.length > 0 ? Number(found.ttl) : (hidden[0]?.ttl ?? 0);
  return setWith(key, ttl, contents, {
    disabled: [...new Set(disabled)],
    comments: [...comments].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
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
