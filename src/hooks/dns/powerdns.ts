import { recordValue } from '../../config/dns-values.ts';
import type { HookConfigOf } from '../../config/hooks-schema.ts';
import type { DnsRecordSet } from '../../world.ts';
import type { Hook } from '../hook.ts';
import type { HookHost } from '../host.ts';
import { addressWithoutSecrets, below, resolveUrl } from '../http.ts';
import { recordHook } from './record-hook.ts';
import { type RecordChange, type RecordKey, recordSet } from './records.ts';
import { callRest, fieldsOf, listOf, parseAnswer, strangeAnswer } from './rest.ts';
import { quoteTxt, unquoteTxt } from './txt.ts';

/** Servers before 4.7 send the whole zone whatever is asked for; in bytes. */
const MAX_ZONE = 64_000_000;

/**
 * PowerDNS through its HTTP interface (version 4 and later). All records of the hook change in one PATCH, which the
 * server runs as one transaction; it offers no comparison before the swap.
 */
export function powerDnsHook(entry: HookConfigOf<'powerdns'>, label: string, host: HookHost): Hook {
  const where = `hooks.${label.split(' ')[0]}`;
  const call = async (method: 'GET' | 'PATCH', query: string, body: unknown, signal: AbortSignal) => {
    const base = resolveUrl(entry.url, `${where}.url`, host.secrets);
    const path = `/api/v1/servers/${encodeURIComponent(entry.serverId)}/zones/${entry.zone}${query}`;
    const { text } = await callRest(
      {
        method,
        url: below(base, path),
        headers: {
          'x-api-key': host.secrets.resolve(entry.apiKey, `${where}.apiKey`),
          'content-type': 'application/json',
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal,
        secrets: host.secrets,
        maxAnswer: MAX_ZONE,
      },
      { zone: `${where}.zone`, key: `${where}.apiKey`, said: errorOf },
    );
    return text;
  };
  const readSet = async (key: RecordKey, signal: AbortSignal) => {
    const query = `?${new URLSearchParams({ rrset_name: key.name, rrset_type: key.type })}`;
    return setOf(parseAnswer(await call('GET', query, undefined, signal), 'PowerDNS'), key);
  };
  return recordHook(
    {
      ...entry,
      label: `${label} ${entry.zone.slice(0, -1)}`,
      server: `powerdns ${addressWithoutSecrets(entry.url)} ${entry.serverId} ${entry.zone}`,
    },
    {
      read: (keys, signal) => Promise.all(keys.map((key) => readSet(key, signal))),
      async replace(changes, signal) {
        await call('PATCH', '', { rrsets: patchOf(changes) }, signal);
      },
    },
  );
}

/** What goes stands before what comes: a CNAME makes way for addresses of its name within one transaction. */
function patchOf(changes: readonly RecordChange[]): unknown[] {
  const goes = changes.filter(({ to }) => to.values.length === 0);
  const comes = changes.filter(({ to }) => to.values.length > 0);
  return [
    ...goes.map(({ to: { name, type } }) => ({ name, type, changetype: 'DELETE' })),
    ...comes.map(({ to: { name, type, ttl, values } }) => ({
      name,
      type,
      ttl,
      changetype: 'REPLACE',
      records: values.map((value) => ({
        content: type === 'TXT' ? quoteTxt(value) : value,
        disabled: false,
      })),
    })),
  ];
}

/** Of all that comes, only the set that was asked for counts. */
function setOf(answer: unknown, key: RecordKey): DnsRecordSet {
  const { rrsets } = fieldsOf(answer);
  if (!Array.isArray(rrsets)) throw strangeAnswer('PowerDNS', 'it has no rrsets');
  const found = rrsets.map(fieldsOf).find(({ name, type }) => name === key.name && type === key.type);
  if (!found) return recordSet(key, 0, []);
  const values = listOf(found.records)
    .map(fieldsOf)
    .flatMap(({ content, disabled }) => (disabled === true ? [] : [plainValue(key, String(content))]));
  return recordSet(key, Number(found.ttl), values);
}

function plainValue({ type }: RecordKey, content: string): string {
  return type === 'TXT' ? unquoteTxt(content) : (recordValue(type, content) ?? content);
}

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
