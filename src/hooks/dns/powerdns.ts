import type { HookConfigOf } from '../../config/hooks-schema.ts';
import type { Hook } from '../hook.ts';
import type { HookHost } from '../host.ts';
import { addressWithoutSecrets, below, resolveUrl } from '../http.ts';
import { completed, patchOf, setIn } from './powerdns-sets.ts';
import { recordHook } from './record-hook.ts';
import { assertUnchanged, type RecordKey } from './records.ts';
import { callRest, fieldsOf, parseAnswer } from './rest.ts';

/** Longest zone, in bytes. All of it is read: when asked for one set the server leaves out its disabled records. */
const MAX_ZONE = 64_000_000;

/**
 * PowerDNS through its HTTP interface (version 4 and later). All records of the hook change in one PATCH, which the
 * server runs as one transaction.
 */
export function powerDnsHook(entry: HookConfigOf<'powerdns'>, label: string, host: HookHost): Hook {
  const where = `hooks.${label.split(' ')[0]}`;
  const call = async (method: 'GET' | 'PATCH', body: unknown, signal: AbortSignal) => {
    const base = resolveUrl(entry.url, `${where}.url`, host.secrets);
    const path = `/api/v1/servers/${encodeURIComponent(entry.serverId)}/zones/${entry.zone}`;
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
  const read = async (keys: readonly RecordKey[], signal: AbortSignal) => {
    const { rrsets } = fieldsOf(parseAnswer(await call('GET', undefined, signal), 'PowerDNS'));
    return keys.map((key) => setIn(rrsets, key));
  };
  return recordHook(
    {
      ...entry,
      label: `${label} ${entry.zone.slice(0, -1)}`,
      server: `powerdns ${addressWithoutSecrets(entry.url)} ${entry.serverId} ${entry.zone}`,
    },
    {
      read,
      complete: (changes) => changes.map((change) => ({ ...change, to: completed(change) })),
      async replace(changes, signal) {
        // The server does not compare before it swaps: this is as close to it as can be.
        assertUnchanged(
          'PowerDNS',
          changes,
          await read(
            changes.map(({ from }) => from),
            signal,
          ),
        );
        await call('PATCH', { rrsets: patchOf(changes) }, signal);
      },
    },
  );
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
