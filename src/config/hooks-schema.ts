import * as z from 'zod/mini';
import { NOTIFY_ON } from '../hooks/notify/on.ts';
import { serverIdentity } from './dns-identity.ts';
import { absoluteName, isWithin, RECORD_TYPES, recordValue } from './dns-values.ts';
import {
  attempts,
  command,
  duration,
  filled,
  headers,
  httpUrl,
  readAs,
  secretReference,
  whole,
} from './fields.ts';

/** The part of cutover.yaml below `hooks`: one shape for each driver, told apart by `driver`. */

const execHook = z.strictObject({ driver: z.literal('exec'), command, ...attempts });
const webhookHook = z.strictObject({
  driver: z.literal('webhook'),
  url: httpUrl,
  headers,
  /** Signs each call with HMAC-SHA256. */
  secret: z.optional(secretReference),
  ...attempts,
});

const dnsName = readAs(z.string(), absoluteName, (text) => `not a DNS name: ${text}`);

/** One text, or a list of them. */
const texts = z.transform((value: string | string[]) => (typeof value === 'string' ? [value] : value));
const recordValues = z.pipe(z.union([z.string(), z.array(z.string())]), texts);

/** Seconds. */
const ttl = whole(1, 2_147_483_647);

/** One name and type with what it says for each side; an empty list means that there is no such record. */
const dnsRecord = z.pipe(
  z.strictObject({
    name: dnsName,
    type: z.enum(RECORD_TYPES),
    ttl: z.prefault(ttl, 60),
    legacy: recordValues,
    target: recordValues,
  }),
  z.transform((record, ctx) => {
    const values = (side: 'legacy' | 'target') =>
      record[side].flatMap((text) => {
        const value = recordValue(record.type, text);
        if (value !== undefined) return [value];
        const message = `not a value of a record of type ${record.type}: ${text}`;
        ctx.issues.push({ code: 'custom', path: [side], message, input: record });
        return [];
      });
    const sorted = (list: string[]) => [...new Set(list)].sort();
    const checked = { ...record, legacy: sorted(values('legacy')), target: sorted(values('target')) };
    if (record.type === 'CNAME' && Math.max(checked.legacy.length, checked.target.length) > 1) {
      ctx.issues.push({ code: 'custom', message: 'a name has at most one CNAME', input: record });
    }
    return checked;
  }),
);

const records = z.array(dnsRecord).check(
  z.minLength(1, 'at least one record'),
  z.superRefine((list, ctx) => {
    list.forEach(({ name, type }, index) => {
      if (list.findIndex((other) => other.name === name && other.type === type) === index) return;
      const message = `${name} ${type} stands here twice; give all values of one side as a list`;
      ctx.addIssue({ code: 'custom', path: [index], message });
    });
  }),
);

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
const serverAddress = z.string().check(
  z.regex(/^(\[[0-9a-fA-F:.]+\]|[\w.-]+)(:\d{1,5})?$/, 'not a server; write it like ns1.example.test:53'),
  z.refine((text) => Number(/:(\d+)$/.exec(text)?.[1] ?? 1) <= 65_535, 'a port is at most 65535'),
);

/** What every driver that moves records can do besides. */
const moving = {
  records,
  /** Before 100 %, from the canary's start on, no record's TTL is longer than this. */
  lowerTtl: z.optional(ttl),
  /** Servers that users ask: a change counts as done when each of them says it. */
  verify: z.optional(z.array(serverAddress).check(z.minLength(1))),
  ...attempts,
};

const rfc2136Hook = z
  .strictObject({
    driver: z.literal('rfc2136'),
    server: serverAddress,
    /** A TSIG key as `tsig-keygen` writes it; without it updates are not signed. */
    keyFile: z.optional(filled),
    zone: dnsName,
    ...moving,
  })
  .check(z.superRefine(recordsInZone));

const powerDnsHook = z
  .strictObject({
    driver: z.literal('powerdns'),
    url: httpUrl,
    apiKey: secretReference,
    /** PowerDNS' own name for the server behind the interface; an authoritative server has but this one. */
    serverId: z.prefault(filled, 'localhost'),
    zone: dnsName,
    ...moving,
  })
  .check(z.superRefine(recordsInZone));

const cloudflareHook = z.strictObject({
  driver: z.literal('cloudflare'),
  zoneId: z.string().check(z.regex(/^\w{1,32}$/, 'not the id of a zone')),
  apiToken: secretReference,
  url: z.prefault(httpUrl, 'https://api.cloudflare.com/client/v4'),
  ...moving,
});

const route53Hook = z.strictObject({
  driver: z.literal('route53'),
  hostedZoneId: z
    .string()
    .check(z.regex(/^[A-Z0-9]{1,32}$/, 'not the id of a hosted zone, like Z0123456789ABCDEF')),
  accessKeyId: secretReference,
  secretAccessKey: secretReference,
  /** Of temporary credentials. */
  sessionToken: z.optional(secretReference),
  region: z.prefault(z.string().check(z.regex(/^[a-z0-9-]+$/)), 'us-east-1'),
  url: z.prefault(httpUrl, 'https://route53.amazonaws.com'),
  ...moving,
});

export const dnsHook = z.discriminatedUnion('driver', [
  rfc2136Hook,
  powerDnsHook,
  cloudflareHook,
  route53Hook,
  execHook,
  webhookHook,
]);

/**
 * One record is moved by one hook: two would each take what the other writes for somebody else's. What cannot stand
 * beside a CNAME of its name is moved by the CNAME's: of two updates, one would find the other's record in its way.
 */
const dnsHooks = z.array(dnsHook).check(
  z.superRefine((hooks, ctx) => {
    const moved = new Map<string, { type: string; index: number }[]>();
    hooks.forEach((hook, index) => {
      if (!('records' in hook)) return;
      const server = serverIdentity(hook);
      hook.records.forEach(({ name, type }, position) => {
        const key = `${server} ${name}`;
        const ofName = moved.get(key) ?? [];
        moved.set(key, [...ofName, { type, index }]);
        const others = ofName.filter((one) => one.index < index);
        const same = others.find((one) => one.type === type);
        const beside = others.find((one) => excludesType(hook.driver, one.type, type));
        const message = same
          ? `${name} ${type} is moved by hooks.dns[${same.index}] too; leave it to one of them`
          : beside &&
            `${name} ${type} cannot stand beside the ${beside.type} of hooks.dns[${beside.index}]; give both to one hook`;
        if (message) ctx.addIssue({ code: 'custom', path: [index, 'records', position], message });
      });
    });
  }),
);

/** Beside a CNAME stands nothing else; Cloudflare, which flattens it, lets all but addresses. */
function excludesType(driver: string, one: string, other: string): boolean {
  if (one === other || (one !== 'CNAME' && other !== 'CNAME')) return false;
  return driver !== 'cloudflare' || (one !== 'TXT' && other !== 'TXT');
}

/** What a notify hook is told of; without it every operation. */
const on = z.optional(
  z.array(z.enum(NOTIFY_ON)).check(z.minLength(1, 'at least one, or leave it out for every operation')),
);
const told = { on, ...attempts };

/** Who knows a chat's webhook address can write there. */
const secretUrl = httpUrl.check(
  z.regex(
    /\$\{(env|file):[^}]+\}/,
    'this address is a secret and never written here; refer to it: ${env:NAME} or ${file:PATH}',
  ),
);

const slackHook = z.strictObject({ driver: z.literal('slack'), url: secretUrl, ...told });
const teamsHook = z.strictObject({ driver: z.literal('teams'), url: secretUrl, ...told });
const discordHook = z.strictObject({ driver: z.literal('discord'), url: secretUrl, ...told });

const pagerDutyHook = z.strictObject({
  driver: z.literal('pagerduty'),
  routingKey: secretReference,
  url: z.prefault(httpUrl, 'https://events.pagerduty.com/v2/enqueue'),
  ...told,
});

const alertmanagerHook = z.strictObject({
  driver: z.literal('alertmanager'),
  url: httpUrl,
  headers,
  /** How long a rollback or a failure stays an alert when nothing resolves it. */
  keep: z.prefault(duration, '1d'),
  ...told,
});

const mailAddress = z
  .string()
  .check(z.regex(/^[^\s@]+@[^\s@]+$|^[^\r\n]*<[^\s@]+@[^\s@]+>$/, 'not a mail address'));

const emailHook = z
  .strictObject({
    driver: z.literal('email'),
    host: filled,
    port: z.prefault(whole(1, 65_535), 587),
    /** `starttls` insists on it; `implicit` is TLS from the start (port 465); `none` is for a relay on this machine. */
    tls: z.prefault(z.enum(['starttls', 'implicit', 'none']), 'starttls'),
    user: z.optional(filled),
    password: z.optional(secretReference),
    from: mailAddress,
    to: z.pipe(z.union([mailAddress, z.array(mailAddress).check(z.minLength(1))]), texts),
    ...told,
  })
  .check(
    z.superRefine(({ user, password }, ctx) => {
      if ((user === undefined) === (password === undefined)) return;
      ctx.addIssue({ code: 'custom', message: 'user and password belong together' });
    }),
  );

export const notifyHook = z.discriminatedUnion('driver', [
  slackHook,
  teamsHook,
  discordHook,
  pagerDutyHook,
  alertmanagerHook,
  emailHook,
  z.extend(execHook, { on }),
  z.extend(webhookHook, { on }),
]);

export const hooksSchema = z.prefault(
  z.strictObject({ dns: z.prefault(dnsHooks, []), notify: z.prefault(z.array(notifyHook), []) }),
  {},
);

export type HooksConfig = z.output<typeof hooksSchema>;
export type DnsHookConfig = z.output<typeof dnsHook>;
export type NotifyHookConfig = z.output<typeof notifyHook>;
/** The entry of one driver, e.g. `HookConfigOf<'rfc2136'>`. */
export type HookConfigOf<D extends string> = Extract<DnsHookConfig | NotifyHookConfig, { driver: D }>;
export type DnsRecordConfig = z.output<typeof dnsRecord>;
