import { isDeepStrictEqual } from 'node:util';
import type { DnsRecordSet } from '../../world.ts';
import { plainValue, setOfContents, writtenValue } from './contents.ts';
import type { RecordChange, RecordKey } from './records.ts';
import { fieldsOf, listOf } from './rest.ts';

/**
 * Record sets as Cloudflare keeps them: a set is several records, and each has more to it than its content.
 * `raw.records` holds them where that is so.
 */

/** What a record has besides its content. Absent: nothing of the kind. */
export interface Attributes {
  proxied?: true;
  comment?: string;
  tags?: string[];
  settings?: Record<string, unknown>;
}

export interface KeptRecord extends Attributes {
  content: string;
  /** Seconds, where it is not that of the set. */
  ttl?: number;
}

export interface ListedRecord extends KeptRecord {
  id: string;
  ttl: number;
}

const ATTRIBUTES = ['proxied', 'comment', 'tags', 'settings'] as const;
/** Attributes of any record, and of one that replaces another type. Only a CNAME is flattened. */
const MOVABLE = ['proxied', 'comment', 'tags'] as const;
/** Types that can be proxied, and so can stand for one another. */
const ADDRESSES: readonly string[] = ['A', 'AAAA', 'CNAME'];

/** Cloudflare writes names without the dot at the end. */
export const bare = (name: string) => name.replace(/\.$/, '');

/** Records have no order of their own: this is the one in which they are compared. */
export const byContent = (a: KeptRecord, b: KeptRecord) => (a.content < b.content ? -1 : 1);

/** How Cloudflare writes a value. */
function written(type: RecordKey['type'], value: string): string {
  return type === 'CNAME' ? bare(value) : writtenValue(type, value);
}

function attributesOf(fields: Readonly<Record<string, unknown>>): Attributes {
  const { proxied, comment, tags, settings } = fields;
  const labels = listOf(tags).map(String).sort();
  // A setting that is off is none.
  const on = Object.entries(fieldsOf(settings)).filter(([, value]) => value !== false && value !== null);
  return {
    ...(proxied === true ? { proxied } : {}),
    ...(typeof comment === 'string' && comment !== '' ? { comment } : {}),
    ...(labels.length > 0 ? { tags: labels } : {}),
    ...(on.length > 0 ? { settings: Object.fromEntries(on.sort()) } : {}),
  };
}

/** A record of an answer. */
export function listedRecord(fields: Readonly<Record<string, unknown>>): ListedRecord {
  const { id, content, ttl } = fields;
  return { id: String(id), content: String(content), ttl: Number(ttl), ...attributesOf(fields) };
}

/**
 * The set of these records.
 * @param ttl the TTL of proxied records, which have none of their own: Cloudflare answers with another
 */
export function setOfRecords(key: RecordKey, records: readonly KeptRecord[], ttl: number): DnsRecordSet {
  const kept = records
    .map(({ content, ...rest }): KeptRecord => {
      const own = rest.ttl === undefined || rest.proxied || rest.ttl === ttl ? {} : { ttl: rest.ttl };
      return { content, ...own, ...attributesOf({ ...rest }) };
    })
    .sort(byContent);
  const set = setOfContents(
    key,
    ttl,
    kept.map(({ content }) => content),
  );
  const plain = kept.every((record) =>
    isDeepStrictEqual(record, { content: written(key.type, plainValue(key.type, record.content)) }),
  );
  const { raw: _contents, ...bareSet } = set;
  return plain ? bareSet : { ...bareSet, raw: { records: kept } };
}

/** The records of a set: those it carries, which say its values, and for other values plain ones. */
export function recordsOf({ type, values, raw }: DnsRecordSet): KeptRecord[] {
  const carried = carriedBy(raw);
  return values.flatMap((value) => {
    const saying = carried.filter(({ content }) => plainValue(type, content) === value);
    return saying.length > 0 ? saying : [{ content: written(type, value) }];
  });
}

function carriedBy(raw: unknown): KeptRecord[] {
  return listOf(fieldsOf(raw).records).flatMap((each) => {
    const fields = fieldsOf(each);
    const { content, ttl } = fields;
    if (typeof content !== 'string') return [];
    return [{ content, ...(typeof ttl === 'number' ? { ttl } : {}), ...attributesOf(fields) }];
  });
}

export const isProxied = ({ raw }: DnsRecordSet) => carriedBy(raw).some(({ proxied }) => proxied);

/** A record that goes, and what our own step had made of it, where that is known. */
interface Place {
  now: KeptRecord;
  wrote?: KeptRecord | undefined;
  /** Whether it is of the same type as what comes in its place. */
  same: boolean;
}

/**
 * The changes with all that is written: a record that stays keeps what it has, one that comes gets what the one has in
 * whose place it comes, be that of another type: a proxied CNAME becomes a proxied address. On a way back a record gets
 * what it had, and what somebody else has changed since stays changed.
 */
export function completed(changes: readonly RecordChange[]): RecordChange[] {
  return changes.map((change) => {
    const { to } = change;
    const own = carriedBy(to.raw);
    const saying = (records: readonly KeptRecord[], value: string) =>
      records.filter(({ content }) => plainValue(to.type, content) === value);
    const beside = changes.filter((other) => other !== change && standsFor(other.from, to));
    const places = [...placesIn(change, true), ...beside.flatMap((other) => placesIn(other, false))];
    let coming = 0;
    const records = to.values.flatMap((value): KeptRecord[] => {
      const [there, back] = [saying(recordsOf(change.from), value), saying(own, value)];
      if (back.length === 0 && there.length > 0) return there.map(({ ttl: _ttl, ...rest }) => rest);
      const place = there[0]
        ? { now: there[0], wrote: change.wrote && saying(recordsOf(change.wrote), value)[0], same: true }
        : (places[coming++] ?? places[0]);
      if (back.length > 0) return back.map((record) => ({ ...record, ...changedSince(place) }));
      return [{ content: written(to.type, value), ...(place && attributesFrom(place)) }];
    });
    return { ...change, to: setOfRecords(to, records, to.ttl) };
  });
}

const standsFor = (from: DnsRecordSet, to: DnsRecordSet) =>
  from.name === to.name && ADDRESSES.includes(from.type) && ADDRESSES.includes(to.type);

/** The records of a change that go; where none does, those that stay are the example. */
function placesIn({ from, to, wrote }: RecordChange, same: boolean): Place[] {
  const ours = wrote ? recordsOf(wrote) : [];
  const all = recordsOf(from);
  const going = all.filter(({ content }) => !to.values.includes(plainValue(from.type, content)));
  return (going.length > 0 || !same ? going : all).map((now) => ({
    now,
    wrote: ours.find(({ content }) => plainValue(from.type, content) === plainValue(from.type, now.content)),
    same,
  }));
}

function attributesFrom({ now, same }: Place): Attributes {
  return Object.fromEntries(
    (same ? ATTRIBUTES : MOVABLE).flatMap((name) => (now[name] === undefined ? [] : [[name, now[name]]])),
  );
}

/** What somebody else has made of our record since; an attribute taken away is undefined. */
function changedSince(place: Place | undefined): Attributes {
  if (!place?.wrote) return {};
  const { now, wrote, same } = place;
  return Object.fromEntries(
    (same ? ATTRIBUTES : MOVABLE).flatMap((name) =>
      isDeepStrictEqual(now[name], wrote[name]) ? [] : [[name, now[name]]],
    ),
  );
}

/**
 * The batch that makes every set what it is to be: records that can stay are changed, the rest is deleted or made.
 * Cloudflare deletes first, so that a CNAME can make way for addresses of its name.
 * @param now the records of each change, in order
 */
export function batchOf(changes: readonly RecordChange[], now: readonly (readonly ListedRecord[])[]) {
  const deletes: object[] = [];
  const patches: object[] = [];
  const posts: object[] = [];
  changes.forEach(({ to }, index) => {
    const { name, type } = to;
    const free = [...(now[index] ?? [])];
    const take = (fits: (record: ListedRecord) => boolean) => {
      const at = free.findIndex(fits);
      return at < 0 ? undefined : free.splice(at, 1)[0];
    };
    const value = (record: KeptRecord) => plainValue(type, record.content);
    const wanted = recordsOf(to).map((record) => ({
      record,
      old: take((each) => each.content === record.content),
    }));
    for (const each of wanted) each.old ??= take((other) => value(other) === value(each.record));
    for (const { record, old = free.shift() } of wanted) {
      const ttl = record.proxied ? 1 : (record.ttl ?? to.ttl);
      if (old) patches.push(...patchOf(old, record, ttl));
      else posts.push({ name: bare(name), type, ttl, ...record, proxied: record.proxied === true });
    }
    for (const { id } of free) deletes.push({ id });
  });
  return { deletes, patches, posts };
}

const NONE = { proxied: false, comment: '', tags: [], settings: {} } as const;

/** What is to be changed of a record in place; nothing where it is what it is to be. */
function patchOf(old: ListedRecord, record: KeptRecord, ttl: number): object[] {
  const differing = ATTRIBUTES.filter((name) => !isDeepStrictEqual(old[name], record[name]));
  const change = {
    ...(old.content === record.content ? {} : { content: record.content }),
    ...(old.ttl === ttl ? {} : { ttl }),
    ...Object.fromEntries(differing.map((name) => [name, record[name] ?? NONE[name]])),
  };
  return Object.keys(change).length === 0 ? [] : [{ id: old.id, ...change }];
}
