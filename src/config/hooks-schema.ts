import * as z from 'zod';
import { NOTIFY_ON } from '../hooks/notify/on.ts';
import { serverIdentity } from './dns-identity.ts';
import { absoluteName, isWithin, RECORD_TYPES, recordValue } from './dns-values.ts';
import { attempts, command, duration, headers, httpUrl, secretReference } from './fields.ts';

/** The part of cutover.yaml below `hooks`: one shape for each driver, told apart by `driver`. */

const execHook = z.strictObject({ driver: z.literal('exec'), command, ...attempts });
const webhookHook = z.strictObject({
  driver: z.literal('webhook'),
  url: httpUrl,
  headers,
  /** Signs each call with HMAC-SHA256. */
  secret: secretReference.optional(),
  ...attempts,
});

const dnsName = z.string().transform((text, ctx) => {
  const name = absoluteName(text);
  if (name !== undefined) return name;
  ctx.addIssue({ code: 'custom', message: `not a DNS name: ${text}` });
  return z.NEVER;
});

const recordValues = z
  .union([z.string(), z.array(z.string())])
  .transform((value) => (typeof value === 'string' ? [value] : value));

/** Seconds. */
const ttl = z.number().int().min(1).max(2_147_483_647);

/** One name and type with what it says for each side; an empty list means that there is no such record. */
const dnsRecord = z
  .strictObject({
    name: dnsName,
    type: z.enum(RECORD_TYPES),
    ttl: ttl.prefault(60),
    legacy: recordValues,
    target: recordValues,
  })
  .transform((record, ctx) => {
    const values = (side: 'legacy' | 'target') =>
      record[side].flatMap((text) => {
        const value = recordValue(record.type, text);
        if (value !== undefined) return [value];
        const message = `not a value of a record of type ${record.type}: ${text}`;
        ctx.addIssue({ code: 'custom', path: [side], message });
        return [];
      });
    const sorted = (list: string[]) => [...new Set(list)].sort();
    const checked = { ...record, legacy: sorted(values('legacy')), target: sorted(values('target')) };
    if (record.type === 'CNAME' && Math.max(checked.legacy.length, checked.target.length) > 1) {
      ctx.addIssue({ code: 'custom', message: 'a name has at most one CNAME' });
    }
    return checked;
  });

const records = z
  .array(dnsRecord)
  .min(1, 'at least one record')
  .superRefine((list, ctx) => {
    list.forEach(({ name, type }, index) => {
      if (list.findIndex((other) => other.name === name && other.type === type) === index) return;
      const message = `${name} ${type} stands here twice; give all values of one side as a list`;
      ctx.addIssue({ code: 'custom', path: [index], message });
    });
  });

function recordsInZone(
  hook: { zone: string; records: z.output<typeof records> },
  ctx: z.core.$RefinementCtx,
): void {
  hook.records.forEach(({ name }, index) => {
    if (isWithin(name, hook.zone)) return;
    const message = `${name} is not in the zone ${hook.zone}; write the whole name`;
    ctx.addIssue({ code: 'custom', path: ['records', index, 'name'], message });
  });
}

/** `host`, `host:port` or `[ipv6]:port`. */
const serverAddress = z
  .string()
  .regex(/^(\[[0-9a-fA-F:.]+\]|[\w.-]+)(:\d{1,5})?$/, 'not a server; write it like ns1.example.test:53')
  .refine((text) => Number(/:(\d+)$/.exec(text)?.[1] ?? 1) <= 65_535, 'a port is at most 65535');

/** What every driver that moves records can do besides. */
const moving = {
  records,
  /** Before 100 %, from the canary's start on, no record's TTL is longer than this. */
  lowerTtl: ttl.optional(),
  /** Servers that users ask: a change counts as done when each of them says it. */
  verify: z.array(serverAddress).min(1).optional(),
  ...attempts,
};

const rfc2136Hook = z
  .strictObject({
    driver: z.literal('rfc2136'),
    server: serverAddress,
    /** A TSIG key as `tsig-keygen` writes it; without it updates are not signed. */
    keyFile: z.string().min(1).optional(),
    zone: dnsName,
    ...moving,
  })
  .superRefine(recordsInZone);

const powerDnsHook = z
  .strictObject({
    driver: z.literal('powerdns'),
    url: httpUrl,
    apiKey: secretReference,
    /** PowerDNS' own name for the server behind the interface; an authoritative server has but this one. */
    serverId: z.string().min(1).prefault('localhost'),
    zone: dnsName,
    ...moving,
  })
  .superRefine(recordsInZone);

const cloudflareHook = z.strictObject({
  driver: z.literal('cloudflare'),
  zoneId: z.string().regex(/^\w{1,32}$/, 'not the id of a zone'),
  apiToken: secretReference,
  url: httpUrl.prefault('https://api.cloudflare.com/client/v4'),
  ...moving,
});

const route53Hook = z.strictObject({
  driver: z.literal('route53'),
  hostedZoneId: z.string().regex(/^[A-Z0-9]{1,32}$/, 'not the id of a hosted zone, like Z0123456789ABCDEF'),
  accessKeyId: secretReference,
  secretAccessKey: secretReference,
  /** Of temporary credentials. */
  sessionToken: secretReference.optional(),
  region: z
    .string()
    .regex(/^[a-z0-9-]+$/)
    .prefault('us-east-1'),
  url: httpUrl.prefault('https://route53.amazonaws.com'),
  ...moving,
});

const dnsHook = z.discriminatedUnion('driver', [
  rfc2136Hook,
  powerDnsHook,
  cloudflareHook,
  route53Hook,
  execHook,
  webhookHook,
]);

/** One record is moved by one hook: two would each take what the other writes for somebody else's. */
const dnsHooks = z.array(dnsHook).superRefine((hooks, ctx) => {
  const known = new Map<string, number>();
  hooks.forEach((hook, index) => {
    if (!('records' in hook)) return;
    hook.records.forEach(({ name, type }, position) => {
      const record = `${serverIdentity(hook)} ${name} ${type}`;
      const first = known.get(record) ?? index;
      known.set(record, first);
      if (first === index) return;
      const message = `${name} ${type} is moved by hooks.dns[${first}] too; leave it to one of them`;
      ctx.addIssue({ code: 'custom', path: [index, 'records', position], message });
    });
  });
});

/** What a notify hook is told of; without it every operation. */
const on = z.array(z.enum(NOTIFY_ON)).min(1, 'at least one, or leave it out for every operation').optional();
const told = { on, ...attempts };

/** Who knows a chat's webhook address can write there. */
const secretUrl = httpUrl.regex(
  /\$\{(env|file):[^}]+\}/,
  'this address is a secret and never written here; refer to it: ${env:NAME} or ${file:PATH}',
);

const slackHook = z.strictObject({ driver: z.literal('slack'), url: secretUrl, ...told });
const teamsHook = z.strictObject({ driver: z.literal('teams'), url: secretUrl, ...told });
const discordHook = z.strictObject({ driver: z.literal('discord'), url: secretUrl, ...told });

const pagerDutyHook = z.strictObject({
  driver: z.literal('pagerduty'),
  routingKey: secretReference,
  url: httpUrl.prefault('https://events.pagerduty.com/v2/enqueue'),
  ...told,
});

const alertmanagerHook = z.strictObject({
  driver: z.literal('alertmanager'),
  url: httpUrl,
  headers,
  /** How long a rollback or a failure stays an alert when nothing resolves it. */
  keep: duration.prefault('1d'),
  ...told,
});

const mailAddress = z.string().regex(/^[^\s@]+@[^\s@]+$|^[^\r\n]*<[^\s@]+@[^\s@]+>$/, 'not a mail address');

const emailHook = z
  .strictObject({
    driver: z.literal('email'),
    host: z.string().min(1),
    port: z.number().int().min(1).max(65_535).prefault(587),
    /** `starttls` insists on it; `implicit` is TLS from the start (port 465); `none` is for a relay on this machine. */
    tls: z.enum(['starttls', 'implicit', 'none']).prefault('starttls'),
    user: z.string().min(1).optional(),
    password: secretReference.optional(),
    from: mailAddress,
    to: z
      .union([mailAddress, z.array(mailAddress).min(1)])
      .transform((value) => (typeof value === 'string' ? [value] : value)),
    ...told,
  })
  .superRefine(({ user, password }, ctx) => {
    if ((user === undefined) === (password === undefined)) return;
    ctx.addIssue({ code: 'custom', message: 'user and password belong together' });
  });

const notifyHook = z.discriminatedUnion('driver', [
  slackHook,
  teamsHook,
  discordHook,
  pagerDutyHook,
  alertmanagerHook,
  emailHook,
  execHook.extend({ on }),
  webhookHook.extend({ on }),
]);

export const hooksSchema = z
  .strictObject({ dns: dnsHooks.prefault([]), notify: z.array(notifyHook).prefault([]) })
  .prefault({});

export type HooksConfig = z.output<typeof hooksSchema>;
export type DnsHookConfig = z.output<typeof dnsHook>;
export type NotifyHookConfig = z.output<typeof notifyHook>;
/** The entry of one driver, e.g. `HookConfigOf<'rfc2136'>`. */
export type HookConfigOf<D extends string> = Extract<DnsHookConfig | NotifyHookConfig, { driver: D }>;
export type DnsRecordConfig = z.output<typeof dnsRecord>;
