import { createHash } from 'node:crypto';
import type { DnsHookConfig, HooksConfig, NotifyHookConfig } from '../config/hooks-schema.ts';
import { calledAt, calledBy } from './called.ts';
import { cloudflareHook } from './dns/cloudflare.ts';
import { powerDnsHook } from './dns/powerdns.ts';
import { rfc2136Hook } from './dns/rfc2136.ts';
import { route53Hook } from './dns/route53.ts';
import { execHook } from './exec-hook.ts';
import type { Hook } from './hook.ts';
import type { HookHost } from './host.ts';
import { alertmanagerHook } from './notify/alertmanager.ts';
import { discordHook } from './notify/discord.ts';
import { addressOf, emailHook } from './notify/email.ts';
import { pagerDutyHook } from './notify/pagerduty.ts';
import { slackHook } from './notify/slack.ts';
import { teamsHook } from './notify/teams.ts';
import { webhookHook } from './webhook.ts';

export type { HookHost } from './host.ts';

export interface Hooks {
  dns: Hook[];
  notify: Hook[];
}

/** The hooks of a config, in its order. Nothing is resolved or contacted before a hook runs. */
export function createHooks(config: HooksConfig, host: HookHost): Hooks {
  return {
    dns: config.dns.map((entry, index) => dnsHook(entry, `dns[${index}] ${entry.driver}`, host)),
    notify: distinct(config.notify.flatMap((entry, index) => notifyHooks(entry, index, host))),
  };
}

/** Mail to several people is a hook for each: one who is not accepted keeps nobody else from being told, or told once. */
function notifyHooks(entry: NotifyHookConfig, index: number, host: HookHost): Hook[] {
  const label = `notify[${index}] ${entry.driver}`;
  const { on } = entry;
  if (entry.driver !== 'email' || entry.to.length === 1) {
    return [{ ...notifyHook(entry, label, host), on, receiver: receiverOf(entry) }];
  }
  return entry.to.map((recipient) => ({
    ...emailHook(entry, `${label} ${addressOf(recipient)}`, host, recipient),
    ...{ on, receiver: receiverOf({ ...entry, to: [recipient] }) },
  }));
}

/** Who is told by an entry, wherever it stands and however patient it is. Secrets are references, and none is in it. */
function receiverOf({ timeout: _timeout, retries: _retries, on: _on, ...who }: NotifyHookConfig): string {
  const digest = createHash('sha256').update(JSON.stringify(who)).digest('hex');
  return `${who.driver} ${digest.slice(0, 16)}`;
}

/** Entries that say the same are told each for itself. */
function distinct(hooks: Hook[]): Hook[] {
  return hooks.map((hook, index) => {
    const before = hooks.slice(0, index).filter(({ receiver }) => receiver === hook.receiver).length;
    return before === 0 ? hook : { ...hook, receiver: `${hook.receiver} ${before + 1}` };
  });
}

function dnsHook(entry: DnsHookConfig, label: string, host: HookHost): Hook {
  switch (entry.driver) {
    case 'rfc2136':
      return rfc2136Hook(entry, label, host);
    case 'powerdns':
      return powerDnsHook(entry, label, host);
    case 'cloudflare':
      return cloudflareHook(entry, label, host);
    case 'route53':
      return route53Hook(entry, label, host);
    case 'exec':
      return { ...execHook(entry, label, host), receiver: calledBy(entry.command) };
    case 'webhook':
      return { ...webhookHook(entry, label, host), ...calledWhere(entry.url, label, host) };
  }
}

/** Where a reference leads nowhere, nobody is called: the hook says so itself when it runs. */
function calledWhere(url: string, label: string, { secrets }: HookHost): Pick<Hook, 'receiver'> {
  try {
    return { receiver: calledAt(url, secrets.resolve(url, label)) };
  } catch (error) {
    void error;
    return {};
  }
}

function notifyHook(entry: NotifyHookConfig, label: string, host: HookHost): Hook {
  switch (entry.driver) {
    case 'slack':
      return slackHook(entry, label, host);
    case 'teams':
      return teamsHook(entry, label, host);
    case 'discord':
      return discordHook(entry, label, host);
    case 'pagerduty':
      return pagerDutyHook(entry, label, host);
    case 'alertmanager':
      return alertmanagerHook(entry, label, host);
    case 'email':
      return emailHook(entry, label, host);
    case 'exec':
      return execHook(entry, label, host);
    case 'webhook':
      return webhookHook(entry, label, host);
  }
}
