import type { RecordType } from '../../src/config/dns-values.ts';
import { unquoteTxt } from '../../src/hooks/dns/txt.ts';
import type { DnsBench } from './dns-bench.ts';
import { type Received, type Reply, startHttpReceiver } from './http-receiver.ts';
import { freePort, temporaryFolder } from './process.ts';
import { makeZone, type Zone, ZoneConflict } from './zone.ts';

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
  return {
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
    async put(name, type, ttl, values) {
      zone.transaction((copy) => {
        for (const { id } of copy.find(name, type)) copy.remove(id);
        for (const value of values)
          copy.add({ name, type, ttl, content: value.replace(/\.$/, ''), proxied: false });
      });
    },
    async stop() {
      await receiver.stop();
      remove();
    },
  };
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
    return refuse(400, 81044, 'Record does not exist.');
  }
}

interface Batch {
  deletes: { id: string }[];
  patches: { id: string; content?: string; ttl?: number }[];
  posts: { name: string; type: RecordType; content: string; ttl: number; proxied: boolean }[];
}

/** Deletes, then patches, then posts, as documented. */
function runBatch(zone: Zone, { deletes, patches, posts }: Batch): void {
  const known = (id: string) => {
    const record = zone.records.find((each) => each.id === id);
    if (!record) throw new Error('gone');
    return record;
  };
  for (const { id } of deletes) zone.remove(known(id).id);
  for (const { id, content, ttl } of patches) {
    const record = known(id);
    if (content !== undefined) record.content = content;
    if (ttl !== undefined && !record.proxied) record.ttl = ttl;
  }
  for (const { name, ...record } of posts) zone.add({ ...record, name: `${name}.` });
}

function shown({ id, name, type, ttl, content, proxied }: Zone['records'][number]) {
  return {
    id,
    name: name.replace(/\.$/, ''),
    type,
    content,
    proxiable: type !== 'TXT',
    proxied,
    ttl: proxied ? 1 : ttl,
    settings: {},
    meta: {},
    comment: null,
    tags: [],
    created_on: '2026-01-01T05:20:00.12345Z',
    modified_on: '2026-01-01T05:20:00.12345Z',
  };
}
