import { serverIdentity } from '../../config/dns-identity.ts';
import type { HookConfigOf } from '../../config/hooks-schema.ts';
import type { Hook } from '../hook.ts';
import type { HookHost } from '../host.ts';
import { below, resolveUrl } from '../http.ts';
import { recordHook } from './record-hook.ts';
import { sideBySide } from './record-store.ts';
import type { RecordKey } from './records.ts';
import { callRest, type RestFault } from './rest.ts';
import { changeBatch, completed, errorOf, setOf, typesIn } from './route53-xml.ts';
import { encodeStrictly, signV4 } from './sigv4.ts';

/** The most record sets that it lists at once: all of one name are among them. */
const PAGE = 300;

/** Route 53's words for what the HTTP status does not tell apart. */
const MEANINGS: readonly (readonly [RegExp, RestFault])[] = [
  [/already exists|was not found|do not match the current values/, 'DNS_CHANGED'],
  [/conflicts with other records/, 'DNS_NOT_ALONE'],
  [
    /^(SignatureDoesNotMatch|InvalidClientTokenId|ExpiredToken|AccessDenied|InvalidSignature)/,
    'DNS_KEY_REJECTED',
  ],
  [/^(Throttling|PriorRequestNotComplete)/, 'DNS_FAILED'],
];

/**
 * Amazon Route 53. All records of the hook change in one batch, all or none, and only while they are exactly what was
 * read. What is read back is what Route 53 has accepted; its name servers follow, mostly within a minute.
 */
export function route53Hook(entry: HookConfigOf<'route53'>, label: string, host: HookHost): Hook {
  const where = `hooks.${label.split(' ')[0]}`;
  const secret = (key: 'accessKeyId' | 'secretAccessKey') =>
    host.secrets.resolve(entry[key], `${where}.${key}`);
  const call = async (method: 'GET' | 'POST', query: string, body: string, signal: AbortSignal) => {
    const base = resolveUrl(entry.url, `${where}.url`, host.secrets);
    const url = new URL(below(base, `/2013-04-01/hostedzone/${entry.hostedZoneId}/rrset${query}`));
    const sessionToken =
      entry.sessionToken && host.secrets.resolve(entry.sessionToken, `${where}.sessionToken`);
    const headers = signV4(
      { method, url, headers: body === '' ? {} : { 'content-type': 'application/xml' }, body },
      {
        accessKeyId: secret('accessKeyId'),
        secretAccessKey: secret('secretAccessKey'),
        sessionToken,
        region: entry.region,
        service: 'route53',
        now: (host.now ?? Date.now)(),
      },
    );
    const { text } = await callRest(
      { method, url: url.href, headers, ...(body === '' ? {} : { body }), signal, secrets: host.secrets },
      {
        zone: `${where}.hostedZoneId`,
        key: `${where}.accessKeyId and secretAccessKey`,
        said: errorOf,
        meaning: (said) => MEANINGS.find(([pattern]) => pattern.test(said))?.[1],
      },
    );
    return text;
  };
  const readSet = async (key: RecordKey, signal: AbortSignal) => {
    // Encoded as it is signed: URLSearchParams would leave the asterisk of a wildcard as it is.
    const query = `?maxitems=1&name=${encodeStrictly(key.name)}&type=${key.type}`;
    return setOf(await call('GET', query, '', signal), key);
  };
  const readTypes = async (name: string, signal: AbortSignal): Promise<[string, string[]]> => {
    const query = `?maxitems=${PAGE}&name=${encodeStrictly(name)}`;
    return [name, typesIn(await call('GET', query, '', signal), name)];
  };
  return recordHook(
    { ...entry, label: `${label} ${entry.hostedZoneId}`, server: serverIdentity(entry) },
    {
      read: (keys, signal) => sideBySide(keys, signal, readSet),
      types: async (names, signal) => new Map(await sideBySide(names, signal, readTypes)),
      complete: (changes) => changes.map((change) => ({ ...change, to: completed(change) })),
      async replace(changes, signal) {
        await call('POST', '/', changeBatch(changes, 'by cutover'), signal);
      },
    },
  );
}
