import { startHttpReceiver } from './http-receiver.ts';
import type { NotifyBench } from './notify-bench.ts';
import { freePort, temporaryFolder } from './process.ts';

const SECRET_PATH = '/services/T0PLANTED/B0PLANTED/planted-webhook-token';
const TOKEN = 'planted-bearer-token';
const SIGNING = 'planted-signing-secret';
const ROUTING = 'planted-routing-key-0123456789ab';

interface WebhookKind {
  driver: string;
  /** Keys of the entry besides the driver. */
  more: object;
  /** A header of the call by which the receiver knows it again. */
  keyHeader?: string;
  /** A field of the body by which the receiver knows it again. */
  keyField?: string;
  accepts: { status: number; body?: string };
}

const KINDS: readonly WebhookKind[] = [
  { driver: 'slack', more: {}, accepts: { status: 200, body: 'ok' } },
  { driver: 'teams', more: {}, accepts: { status: 202 } },
  { driver: 'discord', more: {}, accepts: { status: 204 } },
  {
    driver: 'pagerduty',
    more: { routingKey: '${env:ROUTING}' },
    keyField: 'dedup_key',
    accepts: { status: 202, body: '{"status":"success","message":"Event processed"}' },
  },
  {
    driver: 'webhook',
    more: { secret: '${env:SIGNING}', headers: { authorization: 'Bearer ${env:TOKEN}' } },
    keyHeader: 'idempotency-key',
    accepts: { status: 200 },
  },
];

/** The drivers that post to an address, each on a local server in the receiver's place. */
export const WEBHOOKS = KINDS.map((kind) => ({
  title: `${kind.driver} and a local HTTP server`,
  start: () => startWebhook(kind),
}));

async function startWebhook(kind: WebhookKind): Promise<NotifyBench> {
  const { dir, remove } = temporaryFolder();
  const receiver = await startHttpReceiver();
  const nobody = `http://127.0.0.1:${await freePort()}${SECRET_PATH}`;
  receiver.answer(kind.accepts);
  const bodies = () => receiver.received.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
  return {
    dir,
    env: { URL: `${receiver.url}${SECRET_PATH}`, NOBODY: nobody, TOKEN, SIGNING, ROUTING },
    secrets: [SECRET_PATH, 'planted-webhook-token', TOKEN, SIGNING, ROUTING],
    entry: (more = {}) => ({ driver: kind.driver, url: '${env:URL}', ...kind.more, ...more }),
    unreachable: async () => ({ url: '${env:NOBODY}' }),
    refuse: () =>
      receiver.answer((call) => ({
        status: 403,
        body: `no: ${call.path} ${JSON.stringify(call.headers)} ${call.body}`,
      })),
    hang: () => receiver.answer({ status: 200, hang: true }),
    messages: async () =>
      kind.driver === 'webhook' ? receiver.received.map(({ body }) => body) : bodies().map(texts),
    ...(kind.keyHeader === undefined && kind.keyField === undefined
      ? {}
      : {
          keys: async () =>
            kind.keyField === undefined
              ? receiver.received.map(({ headers }) => String(headers[kind.keyHeader ?? '']))
              : bodies().map((body) => String(body[kind.keyField ?? ''])),
        }),
    async reset() {
      receiver.received.length = 0;
      receiver.answer(kind.accepts);
    },
    async stop() {
      await receiver.stop();
      remove();
    },
  };
}

/** All texts of a JSON value, a line each. */
export function texts(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.values(value).map(texts).join('\n');
}
