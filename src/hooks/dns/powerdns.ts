import { serverIdentity } from '../../config/dns-identity.ts';
import type { HookConfigOf } from '../../config/hooks-schema.ts';
import { CutoverError } from '../../errors.ts';
import type { Hook } from '../hook.ts';
import type { HookHost } from '../host.ts';
import { below, resolveUrl } from '../http.ts';
import { completed, type DisabledRecord, disabledIn, patchOf, setIn } from './powerdns-sets.ts';
import { recordHook } from './record-hook.ts';
import { sideBySide } from './record-store.ts';
import { assertUnchanged, type RecordKey } from './records.ts';
import { callRest, fieldsOf, listOf, parseAnswer } from './rest.ts';

/** Longest zone that is read as a whole, in bytes. */
const MAX_ZONE = 64_000_000;
/** Most records that a search gives; one that gives as many may have left some out. */
const MAX_FOUND = 1000;

/**
 * PowerDNS through its HTTP interface (version 4 and later). All records of the hook change in one PATCH, which the
 * server runs as one transaction.
 */
export function powerDnsHook(entry: HookConfigOf<'powerdns'>, label: string, host: HookHost): Hook {
  const where = `hooks.${label.split(' ')[0]}`;
  const zone = `/zones/${entry.zone}`;
  const call = async (method: 'GET' | 'PATCH', path: string, body: unknown, signal: AbortSignal) => {
    const base = resolveUrl(entry.url, `${where}.url`, host.secrets);
    const { text } = await callRest(
      {
        method,
        url: below(base, `/api/v1/servers/${encodeURIComponent(entry.serverId)}${path}`),
        headers: {
          'x-api-key': host.secrets.resolve(entry.apiKey, `${where}.apiKey`),
          'content-type': 'application/json',
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal,
        secrets: host.secrets,
        maxAnswer: MAX_ZONE,
      },
      { zone: `${where}.zone`, key: `${where}.apiKey`, said: errorOf, meaning: meaningOf },
    );
    return text;
  };
  const get = async (path: string, signal: AbortSignal) =>
    parseAnswer(await call('GET', path, undefined, signal), 'PowerDNS');
  const search = async (name: string, signal: AbortSignal) => {
    const query = new URLSearchParams({
      q: name.slice(0, -1),
      object_type: 'record',
      max: String(MAX_FOUND),
    });
    return get(`/search-data?${query}`, signal);
  };
  /** The disabled records of some names; null where a search does not tell them all. */
  const disabledOf = async (keys: readonly RecordKey[], signal: AbortSignal) => {
    const names = [...new Set([entry.zone, ...keys.map(({ name }) => name)])];
    try {
      return disabledIn(await sideBySide(names, signal, search), entry.zone, MAX_FOUND);
    } catch (error) {
      // One that is not there, or not allowed, tells nothing; that nobody answers is told by what follows.
      if (error instanceof CutoverError) return null;
      throw error;
    }
  };
  const readSet = async (key: RecordKey, disabled: readonly DisabledRecord[], signal: AbortSignal) => {
    const query = new URLSearchParams({ rrset_name: key.name, rrset_type: key.type });
    return setIn(fieldsOf(await get(`${zone}?${query}`, signal)).rrsets, key, disabled);
  };
  const read = async (keys: readonly RecordKey[], signal: AbortSignal) => {
    // What the server says of one set leaves out its disabled records; all of a large zone takes many seconds.
    const disabled = await disabledOf(keys, signal);
    if (disabled !== null) return sideBySide(keys, signal, (key) => readSet(key, disabled, signal));
    const { rrsets } = fieldsOf(await get(zone, signal));
    return keys.map((key) => setIn(rrsets, key));
  };
  const typesAt = async (name: string, signal: AbortSignal): Promise<[string, string[]]> => {
    const { rrsets } = fieldsOf(await get(`${zone}?${new URLSearchParams({ rrset_name: name })}`, signal));
    const sets = listOf(rrsets).map(fieldsOf);
    return [name, sets.filter((set) => set.name === name).map(({ type }) => String(type))];
  };
  return recordHook(
    {
      ...entry,
      label: `${label} ${entry.zone.slice(0, -1)}`,
      server: serverIdentity(entry),
    },
    {
      read,
      types: async (names, signal) => new Map(await sideBySide(names, signal, typesAt)),
      complete: (changes) => changes.map((change) => ({ ...change, to: completed(change) })),
      async replace(changes, signal) {
        // The server does not compare before it swaps: this is as close to it as can be.
        const now = await read(
          changes.map(({ from }) => from),
          signal,
        );
        assertUnchanged('PowerDNS', changes, now);
        await call('PATCH', zone, { rrsets: patchOf(changes) }, signal);
      },
    },
  );
}

const meaningOf = (said: string) =>
  /Conflicts with (pre-existing|another) RRset/i.test(said) ? ('DNS_NOT_ALONE' as const) : undefined;

function errorOf(text: string): string {
  try {
    const { error } = fieldsOf(JSON.parse(text));
    return typeof error === 'string' ? error : text;
  } catch (error) {
    // Some refusals are plain text.
    void error;
    return text;
  }
}
