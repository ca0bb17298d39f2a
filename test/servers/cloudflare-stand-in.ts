import type { RecordType } from '../../src/config/dns-values.ts';
import { unquoteTxt } from '../../src/hooks/dns/txt.ts';
import type { DnsBench } from './dns-bench.ts';
import { startHttpProxy } from './http-proxy.ts';
import { type Received, type Reply, startHttpReceiver } from './http-receiver.ts';
import { decimalByte } from './look.ts';
import { freePort, temporaryFolder } from './process.ts';
import { makeZone, type Zone, ZoneConflict, type ZoneRecord } from './zone.ts';

const ZONE_ID = '023e105f4ecef8ad9ca31a8372d0c353';
const TOKEN = 'planted-cloudflare-token';

export interface CloudflareBench extends DnsBench {
  zone: Zone;
  calls: Received[];
}

/**
 * A stand-in for Cloudflare's API, which nobody can run at home: the answers have the shapes of its documentation,
 * the batch is a transaction in the documented order. It proves our requests, not Cloudflare's behaviour.
 */
export async function startCloudflareStandIn(): Promise<CloudflareBench> {
  const { dir, remove } = temporaryFolder();
  const receiver = await startHttpReceiver();
  const zone = makeZone();
  receiver.answer((call) => answer(zone, call));
  const bench: CloudflareBench = {
    dir,
    env: { CF_TOKEN: TOKEN, WRONG: 'planted-wrong-token' },
    secrets: [TOKEN, 'planted-wrong-token'],
    zone,
    calls: receiver.received,
    entry: (records, more = {}) => ({
      driver: 'cloudflare',
      zoneId: ZONE_ID,
      apiToken: '${env:CF_TOKEN}',
      url: `${receiver.url}/client/v4`,
      records,
      ...more,
    }),
    wrongSecret: { change: { apiToken: '${env:WRONG}' }, code: 'DNS_KEY_REJECTED' },
    unreachable: async () => ({ url: `http://127.0.0.1:${await freePort()}/client/v4` }),
    look: async (name, type) =>
      zone
        .find(name, type)
        .map(({ content }) =>
          type === 'TXT' ? unquoteTxt(content) : type === 'CNAME' ? `${content}.` : content,
        )
        .sort(),
    exact: async (name) =>
      zone.records
        .filter((record) => record.name === name)
        .map(({ type, ttl, content, proxied, comment, tags, settings }) =>
          [type, ttl, content, proxied, comment, tags, JSON.stringify(settings)].join(' | '),
        )
        .sort(),
    byte: decimalByte,
    async put(name, type, ttl, values) {
      zone.transaction((copy) => {
        for (const { id } of copy.find(name, type)) copy.remove(id);
        for (const value of values)
          copy.add({ name, type, ttl, content: value.replace(/\.$/, ''), proxied: false });
      });
    },
    async withWriterBetween(...put) {
      const proxy = await startHttpProxy(receiver.url, { afterRead: () => bench.put(...put) });
      return { change: { url: `${proxy.url}/client/v4` }, env: bench.env, stop: proxy.stop };
    },
    async stop() {
      await receiver.stop();
      remove();
    },
  };
  return bench;
}

function answer(zone: Zone, { method, path, headers, body }: Received): Reply {
  const refuse = (status: number, code: number, message: string) => ({
    status,
    body: JSON.stringify({ success: false, errors: [{ code, message }], messages: [], result: null }),
  });
  const give = (result: unknown) => ({
    status: 200,
    body: JSON.stringify({ success: true, errors: [], messages: [], result }),
  });
  const url = new URL(path, 'http://stand-in');
  if (headers.authorization !== `Bearer ${TOKEN}`) {
    return refuse(403, 9109, `Invalid access token ${headers.authorization}`);
  }
  const base = `/client/v4/zones/${ZONE_ID}/dns_records`;
  if (!url.pathname.startsWith(base)) {
    return refuse(
      404,
      7003,
      `Could not route to ${url.pathname}, perhaps your object identifier is invalid?`,
    );
  }
  if (method === 'GET') {
    const { name = '', type = '' } = Object.fromEntries(url.searchParams);
    return give(zone.find(`${name}.`, type).map(shown));
  }
  try {
    zone.transaction((copy) => runBatch(copy, JSON.parse(body) as Batch));
    return give({ deletes: [], patches: [], puts: [], posts: [] });
  } catch (error) {
    if (error instanceof ZoneConflict) {
      return refuse(400, 81053, 'An A, AAAA, or CNAME record with that host already exists.');
    }
    if (error instanceof Refusal) return refuse(400, 9004, error.message);
    return refuse(400, 81044, 'Record does not exist.');
  }
}

type Fields = Pick<ZoneRecord, 'content' | 'ttl' | 'proxied' | 'comment' | 'tags' | 'settings'>;

interface Batch {
  deletes: { id: string }[];
  patches: ({ id: string } & Partial<Fields>)[];
  posts: ({ name: string; type: RecordType } & Fields)[];
}

/** Deletes, then patches, then posts, as documented. */
function runBatch(zone: Zone, { deletes, patches, posts }: Batch): void {
  const known = (id: string) => {
    const record = zone.records.find((each) => each.id === id);
    if (!record) throw new Error('gone');
    return record;
  };
  for (const { id } of deletes) zone.remove(known(id).id);
  for (const { id, ...fields } of patches) Object.assign(known(id), kept({ ...known(id), ...fields }));
  for (const { name, ...record } of posts) zone.add(kept({ ...record, name: `${name}.` }));
}

/** A record as it is kept: a proxied one has no TTL of its own, and what is empty is not there. */
function kept<T extends Fields & Pick<ZoneRecord, 'type'>>(record: T): T {
  if (record.proxied && !['A', 'AAAA', 'CNAME'].includes(record.type))
    throw new Refusal('This record type cannot be proxied.');
  return {
    ...record,
    ttl: record.proxied ? 1 : record.ttl,
    comment: record.comment || undefined,
    tags: record.tags?.length ? record.tags : undefined,
    settings: Object.keys(record.settings ?? {}).length ? record.settings : undefined,
  };
}

class Refusal extends Error {}

function shown({ id, name, type, ttl, content, proxied, comment, tags, settings }: ZoneRecord) {
  return {
    id,
    name: name.replace(/\.$/, ''),
    type,
    content,
    proxiable: type !== 'TXT',
    proxied,
    ttl: proxied ? 1 : ttl,
    settings: settings ?? {},
    meta: {},
    comment: comment ?? null,
    tags: tags ?? [],
    created_on: '2026-01-01T05:20:00.12345Z',
    modified_on: '2026-01-01T05:20:00.12345Z',
  };
}
