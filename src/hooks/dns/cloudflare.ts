import { serverIdentity } from '../../config/dns-identity.ts';
import type { HookConfigOf } from '../../config/hooks-schema.ts';
import type { Hook } from '../hook.ts';
import type { HookHost } from '../host.ts';
import { below, resolveUrl } from '../http.ts';
import {
  bare,
  batchOf,
  byContent,
  completed,
  isProxied,
  type ListedRecord,
  listedRecord,
  setOfRecords,
} from './cloudflare-sets.ts';
import { recordHook } from './record-hook.ts';
import { sideBySide } from './record-store.ts';
import { assertUnchanged, type RecordKey, sameSet } from './records.ts';
import { callRest, fieldsOf, listOf, parseAnswer, type RestFault, strangeAnswer } from './rest.ts';

type Entry = HookConfigOf<'cloudflare'>;

/** A page holds them all: a set has a handful of records. */
const PAGE = 100;

/** What it lets nobody have beside a CNAME. Other types may stand there, as it answers with what the CNAME leads to. */
const EXCLUDING = ['A', 'AAAA', 'CNAME'] as const;

/** Codes of Cloudflare's errors that the HTTP status does not tell apart. */
const MEANINGS: Readonly<Record<string, RestFault>> = {
  6003: 'DNS_KEY_REJECTED',
  9109: 'DNS_KEY_REJECTED',
  10000: 'DNS_KEY_REJECTED',
  7000: 'DNS_ZONE_UNKNOWN',
  7003: 'DNS_ZONE_UNKNOWN',
  81044: 'DNS_CHANGED',
  81053: 'DNS_NOT_ALONE',
  81054: 'DNS_NOT_ALONE',
};

/**
 * Cloudflare's API, version 4. All records of the hook change in one batch, which Cloudflare runs as one database
 * transaction. Records are changed in place where they can be.
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
  const list = async (key: RecordKey, signal: AbortSignal): Promise<ListedRecord[]> => {
    const query = new URLSearchParams({ name: bare(key.name), type: key.type, per_page: String(PAGE) });
    const found = listOf(await call('GET', `?${query}`, undefined, signal)).map(fieldsOf);
    return found
      .filter(({ name, type }) => name === bare(key.name) && type === key.type)
      .map(listedRecord)
      .sort(byContent);
  };
  const setOf = (key: RecordKey, records: readonly ListedRecord[]) => {
    // A proxied record is answered with a TTL of Cloudflare's own; the one of the config counts as kept.
    const own = entry.records.find(({ name, type }) => name === key.name && type === key.type)?.ttl;
    const ttl = records.some(({ proxied }) => proxied) ? own : undefined;
    return setOfRecords(key, records, ttl ?? records[0]?.ttl ?? 0);
  };
  return recordHook(
    { ...entry, label: `${label} ${entry.zoneId}`, server: serverIdentity(entry) },
    {
      read: (keys, signal) => sideBySide(keys, signal, async (key) => setOf(key, await list(key, signal))),
      complete: completed,
      types: async (names, signal) =>
        new Map(
          await sideBySide(names, signal, async (name): Promise<[string, string[]]> => {
            const found = await sideBySide(EXCLUDING, signal, (type) => list({ name, type }, signal));
            return [name, EXCLUDING.filter((_, i) => (found[i]?.length ?? 0) > 0)];
          }),
        ),
      same: (is, set) => sameSet(isProxied(is) && set.values.length > 0 ? { ...is, ttl: set.ttl } : is, set),
      async replace(changes, signal) {
        const now = await sideBySide(changes, signal, ({ from }) => list(from, signal));
        const sets = changes.map(({ from }, index) => setOf(from, now[index] ?? []));
        assertUnchanged('Cloudflare', changes, sets);
        await call('POST', '/batch', batchOf(changes, now), signal);
      },
    },
  );
}

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
