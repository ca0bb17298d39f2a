import { createHash, createHmac } from 'node:crypto';
import type { RecordType } from '../../src/config/dns-values.ts';
import { unquoteTxt } from '../../src/hooks/dns/txt.ts';
import type { DnsBench } from './dns-bench.ts';
import { startHttpProxy } from './http-proxy.ts';
import { type Received, type Reply, startHttpReceiver } from './http-receiver.ts';
import { freePort, temporaryFolder } from './process.ts';
import { makeZone, type Zone, ZoneConflict } from './zone.ts';

const HOSTED_ZONE = 'Z08345213KQPLANTED';
const KEY_ID = 'AKIAPLANTEDKEYID0001';
const SECRET = 'planted/route53+secret+access+key';

export interface Route53Bench extends DnsBench {
  zone: Zone;
  calls: Received[];
  /** Record sets that are not plain are given out as this XML. */
  special: Map<string, string>;
}

/**
 * A stand-in for Amazon Route 53, which nobody can run at home: it checks the signature by itself, answers in the
 * shapes of the API reference, and refuses a whole batch when one change cannot be. It proves our requests, not
 * Route 53's behaviour.
 */
export async function startRoute53StandIn(): Promise<Route53Bench> {
  const { dir, remove } = temporaryFolder();
  const receiver = await startHttpReceiver();
  const zone = makeZone();
  const special = new Map<string, string>();
  receiver.answer((call) => answer(zone, special, call));
  const bench: Route53Bench = {
    dir,
    env: { KEY_ID, SECRET, WRONG: 'planted-wrong-secret' },
    secrets: [SECRET, KEY_ID, 'planted-wrong-secret'],
    zone,
    special,
    calls: receiver.received,
    entry: (records, more = {}) => ({
      driver: 'route53',
      hostedZoneId: HOSTED_ZONE,
      accessKeyId: '${env:KEY_ID}',
      secretAccessKey: '${env:SECRET}',
      url: receiver.url,
      records,
      ...more,
    }),
    wrongSecret: { change: { secretAccessKey: '${env:WRONG}' }, code: 'DNS_KEY_REJECTED' },
    unreachable: async () => ({ url: `http://127.0.0.1:${await freePort()}` }),
    look: async (name, type) =>
      zone
        .find(name, type)
        .map(({ content }) => (type === 'TXT' ? unquoteTxt(content, 8) : content))
        .sort(),
    exact: async (name) =>
      zone.records
        .filter((record) => record.name === name)
        .map(({ type, ttl, content }) => `${type} ${ttl} ${content}`)
        .sort(),
    byte: (value) => `\\${value.toString(8).padStart(3, '0')}`,
    async put(name, type, ttl, values) {
      zone.transaction((copy) => {
        for (const { id } of copy.find(name, type)) copy.remove(id);
        for (const content of values) copy.add({ name, type, ttl, content, proxied: false });
      });
    },
    async withWriterBetween(...put) {
      const proxy = await startHttpProxy(receiver.url, { afterRead: () => bench.put(...put) });
      return { change: { url: proxy.url }, env: bench.env, stop: proxy.stop };
    },
    async stop() {
      await receiver.stop();
      remove();
    },
  };
  return bench;
}

const XML = '<?xml version="1.0"?>\n';
const NAMESPACE = 'xmlns="https://route53.amazonaws.com/doc/2013-04-01/"';

function answer(zone: Zone, special: Map<string, string>, call: Received): Reply {
  const refuse = (status: number, code: string, message: string) => ({
    status,
    body: `${XML}<ErrorResponse ${NAMESPACE}><Error><Type>Sender</Type><Code>${code}</Code><Message>${escaped(message)}</Message></Error><RequestId>b25f48e8</RequestId></ErrorResponse>`,
  });
  if (!isSigned(call)) {
    return refuse(
      403,
      'SignatureDoesNotMatch',
      `The signature does not match: ${call.headers.authorization}`,
    );
  }
  const url = new URL(call.path, 'http://stand-in');
  const base = `/2013-04-01/hostedzone/${HOSTED_ZONE}/rrset`;
  if (call.method === 'GET' && url.pathname === base) {
    return { status: 200, body: listOf(zone, special, Object.fromEntries(url.searchParams)) };
  }
  if (call.method !== 'POST' || url.pathname !== `${base}/`) {
    return refuse(404, 'NoSuchHostedZone', `No hosted zone found with ID: ${url.pathname}`);
  }
  const faults: string[] = [];
  try {
    zone.transaction((copy) => {
      for (const change of parts(call.body, 'Change')) faults.push(...applyChange(copy, change));
      if (faults.length > 0) throw new ZoneConflict('');
    });
  } catch (error) {
    if (!(error instanceof ZoneConflict)) throw error;
    const message = error.message
      ? `RRSet ${error.message} conflicts with other records of the same DNS name`
      : '';
    const all = [...faults, message].filter(Boolean).map((text) => `<Message>${escaped(text)}</Message>`);
    return {
      status: 400,
      body: `${XML}<InvalidChangeBatch ${NAMESPACE}><Messages>${all.join('')}</Messages><RequestId>b25f48e8</RequestId></InvalidChangeBatch>`,
    };
  }
  return {
    status: 200,
    body: `${XML}<ChangeResourceRecordSetsResponse ${NAMESPACE}><ChangeInfo><Id>/change/C2682N5HXP0BZ4</Id><Status>PENDING</Status><SubmittedAt>2026-02-10T01:36:41.958Z</SubmittedAt></ChangeInfo></ChangeResourceRecordSetsResponse>`,
  };
}

function applyChange(zone: Zone, change: string): string[] {
  const text = (name: string) => unescaped(parts(change, name)[0] ?? '');
  const [name, type, ttl] = [text('Name'), text('Type') as RecordType, Number(text('TTL'))];
  const values = parts(change, 'Value').map(unescaped).sort();
  const now = zone.find(name, type);
  if (text('Action') === 'CREATE') {
    if (now.length > 0)
      return [`Tried to create resource record set [name='${name}', type='${type}'] but it already exists`];
    for (const content of values) zone.add({ name, type, ttl, content, proxied: false });
    return [];
  }
  if (now.length === 0)
    return [`Tried to delete resource record set [name='${name}', type='${type}'] but it was not found`];
  const same =
    now.every((record) => record.ttl === ttl) &&
    String(now.map(({ content }) => content).sort()) === String(values);
  if (!same) {
    return [
      `Tried to delete resource record set [name='${name}', type='${type}'] but the values provided do not match the current values`,
    ];
  }
  for (const { id } of now) zone.remove(id);
  return [];
}

/** Route 53 lists from the name on, and from its type where one is given: when there is no such set, the next one comes. */
function listOf(zone: Zone, special: Map<string, string>, { name = '', type = '', maxitems = '' }): string {
  const ownTypes = type ? [type] : zone.records.filter((one) => one.name === name).map((one) => one.type);
  const next = zone.records.find((record) => record.name > name);
  const found = [
    ...[...new Set(ownTypes)].map((each) => zone.find(name, each)),
    ...(next ? [zone.find(next.name, next.type)] : []),
  ].filter((records) => records.length > 0);
  const sets = special.has(name) ? [special.get(name)] : found.map(setOf);
  const page = sets.slice(0, Number(maxitems));
  return `${XML}<ListResourceRecordSetsResponse ${NAMESPACE}><ResourceRecordSets>${page.join('')}</ResourceRecordSets><IsTruncated>${sets.length > page.length}</IsTruncated><MaxItems>${maxitems}</MaxItems></ListResourceRecordSetsResponse>`;
}

function setOf(records: Zone['records']): string {
  const [{ name, type, ttl } = { name: '', type: '', ttl: 0 }] = records;
  const values = records.map(
    ({ content }) => `<ResourceRecord><Value>${escaped(content)}</Value></ResourceRecord>`,
  );
  return `<ResourceRecordSet><Name>${name.replace('*', '\\052')}</Name><Type>${type}</Type><TTL>${ttl}</TTL><ResourceRecords>${values.join('')}</ResourceRecords></ResourceRecordSet>`;
}

/** Signature Version 4 from the receiver's side, written apart from the signer that it checks. */
function isSigned({ method, path, headers, body }: Received): boolean {
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/route53\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    );
  if (!match) return false;
  const [, keyId, day = '', region = '', names = '', signature] = match;
  const [route = '', query = ''] = path.split('?');
  const hash = (text: string) => createHash('sha256').update(text).digest('hex');
  const sign = (key: Buffer | string, text: string) => createHmac('sha256', key).update(text).digest();
  const lines = names.split(';').map((name) => `${name}:${headers[name]}\n`);
  const sorted = query.replaceAll('+', '%20').split('&').sort().join('&');
  const canonical = `${method}\n${route}\n${sorted}\n${lines.join('')}\n${names}\n${hash(body)}`;
  const toSign = `AWS4-HMAC-SHA256\n${headers['x-amz-date']}\n${day}/${region}/route53/aws4_request\n${hash(canonical)}`;
  const key = sign(sign(sign(sign(`AWS4${SECRET}`, day), region), 'route53'), 'aws4_request');
  return keyId === KEY_ID && names.includes('host') && sign(key, toSign).toString('hex') === signature;
}

const parts = (xml: string, name: string) =>
  [...xml.matchAll(new RegExp(`<${name}>([\\s\\S]*?)</${name}>`, 'g'))].map(([, text = '']) => text);

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

const unescaped = (text: string) =>
  text
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
