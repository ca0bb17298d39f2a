import { recordValue } from '../../config/dns-values.ts';
import type { HookConfigOf } from '../../config/hooks-schema.ts';
import { CutoverError, EXIT } from '../../errors.ts';
import type { DnsRecordSet } from '../../world.ts';
import type { Hook } from '../hook.ts';
import type { HookHost } from '../host.ts';
import { below, resolveUrl } from '../http.ts';
import { recordHook } from './record-hook.ts';
import { describeSet, type RecordChange, type RecordKey, recordSet, sameSet } from './records.ts';
import { callRest, fieldsOf, listOf, parseAnswer, type RestFault, strangeAnswer } from './rest.ts';
import { quoteTxt, unquoteTxt } from './txt.ts';

type Entry = HookConfigOf<'cloudflare'>;

/** One record as Cloudflare keeps it: a set is several of them. */
interface CloudflareRecord {
  id: string;
  value: string;
  ttl: number;
  proxied: boolean;
}

/** A page holds them all: a set has a handful of records. */
const PAGE = 100;

/** Codes of Cloudflare's errors that the HTTP status does not tell apart. */
const MEANINGS: Readonly<Record<string, RestFault>> = {
  6003: 'DNS_KEY_REJECTED',
  9109: 'DNS_KEY_REJECTED',
  10000: 'DNS_KEY_REJECTED',
  7000: 'DNS_ZONE_UNKNOWN',
  7003: 'DNS_ZONE_UNKNOWN',
  81044: 'DNS_CHANGED',
};

/**
 * Cloudflare's API, version 4. All records of the hook change in one batch, which Cloudflare runs as one database
 * transaction. Records are changed in place, so that comments, tags and the proxy setting stay.
 */
export function cloudflareHook(entry: Entry, label: string, host: HookHost): Hook {
  const where = `hooks.${label.split(' ')[0]}`;
  const call = async (method: 'GET' | 'POST', path: string, body: unknown, signal: AbortSignal) => {
    const base = resolveUrl(entry.url, `${where}.url`, host.secrets);
    const { text } = await callRest(
      {
        method,
        url: below(base, `/zones/${entry.zoneId}/dns_records${path}`),
        headers: {
          authorization: `Bearer ${host.secrets.resolve(entry.apiToken, `${where}.apiToken`)}`,
          'content-type': 'application/json',
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal,
        secrets: host.secrets,
      },
      { zone: `${where}.zoneId`, key: `${where}.apiToken`, said: errorsOf, meaning: meaningOf },
    );
    const answer = fieldsOf(parseAnswer(text, 'Cloudflare'));
    if (answer.success !== true) throw strangeAnswer('Cloudflare', 'it does not say success');
    return answer.result;
  };
  const list = async (key: RecordKey, signal: AbortSignal): Promise<CloudflareRecord[]> => {
    const query = new URLSearchParams({ name: bare(key.name), type: key.type, per_page: String(PAGE) });
    const found = listOf(await call('GET', `?${query}`, undefined, signal)).map(fieldsOf);
    return found.filter(({ name, type }) => name === bare(key.name) && type === key.type).map(recordOf);
  };
  const setOf = (key: RecordKey, records: readonly CloudflareRecord[]) => {
    // A proxied record is answered with a TTL of Cloudflare's own; the one of the config counts as kept.
    const own = entry.records.find(({ name, type }) => name === key.name && type === key.type)?.ttl;
    const ttl = records.some(({ proxied }) => proxied) ? own : undefined;
    return recordSet(
      key,
      ttl ?? records[0]?.ttl ?? 0,
      records.map(({ value }) => value),
    );
  };
  return recordHook(
    { ...entry, label: `${label} ${entry.zoneId}`, server: `cloudflare ${entry.zoneId}` },
    {
      read: (keys, signal) => Promise.all(keys.map(async (key) => setOf(key, await list(key, signal)))),
      async replace(changes, signal) {
        const now = await Promise.all(changes.map(({ from }) => list(from, signal)));
        for (const [index, { from }] of changes.entries()) assertSame(from, setOf(from, now[index] ?? []));
        await call('POST', '/batch', batchOf(changes, now), signal);
      },
    },
  );
}

/**
 * The batch that makes every set what it is to be: records that can stay are changed, the rest is deleted or made.
 * Cloudflare deletes first, so that a CNAME can make way for addresses of its name.
 * @param now the records of each change
 */
function batchOf(changes: readonly RecordChange[], now: readonly (readonly CloudflareRecord[])[]) {
  const deletes: object[] = [];
  const patches: object[] = [];
  const posts: object[] = [];
  changes.forEach(({ to: { name, type, ttl, values } }, index) => {
    const records = now[index] ?? [];
    const kept = records.filter(({ value }) => values.includes(value));
    const free = records.filter((record) => !kept.includes(record));
    for (const { id } of kept) patches.push({ id, ttl });
    for (const value of values.filter((each) => !kept.some((record) => record.value === each))) {
      const content = contentOf(type, value);
      const reused = free.shift();
      if (reused) patches.push({ id: reused.id, content, ttl });
      else posts.push({ name: bare(name), type, content, ttl, proxied: false });
    }
    for (const { id } of free) deletes.push({ id });
  });
  return { deletes, patches, posts };
}

function assertSame(from: DnsRecordSet, now: DnsRecordSet): void {
  if (sameSet(from, now)) return;
  throw new CutoverError(
    'DNS_CHANGED',
    EXIT.unreachable,
    `Cloudflare: something else has changed ${describeSet(from)} to ${describeSet(now)}`,
    { hint: 'look at what else writes to this zone' },
  );
}

function recordOf(fields: Readonly<Record<string, unknown>>): CloudflareRecord {
  const { id, type, content, ttl, proxied } = fields;
  const text = String(content);
  const value = type === 'TXT' ? unquoteTxt(text) : (recordValue(type as RecordKey['type'], text) ?? text);
  return { id: String(id), value, ttl: Number(ttl), proxied: proxied === true };
}

function contentOf(type: RecordKey['type'], value: string): string {
  if (type === 'TXT') return quoteTxt(value);
  return type === 'CNAME' ? bare(value) : value;
}

/** Cloudflare writes names without the dot at the end. */
const bare = (name: string) => name.replace(/\.$/, '');

/** `81053: An A, AAAA, or CNAME record with that host already exists.` */
function errorsOf(text: string): string {
  try {
    const errors = listOf(fieldsOf(JSON.parse(text)).errors).map(fieldsOf);
    return errors.length === 0 ? text : errors.map(({ code, message }) => `${code}: ${message}`).join('; ');
  } catch (error) {
    // A gateway before Cloudflare answers in HTML.
    void error;
    return text;
  }
}

const meaningOf = (said: string) => MEANINGS[/^(\d+):/.exec(said)?.[1] ?? ''];
