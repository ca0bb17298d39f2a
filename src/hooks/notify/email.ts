import type { HookConfigOf } from '../../config/hooks-schema.ts';
import { CutoverError, EXIT, messageOf } from '../../errors.ts';
import type { Hook, HookEvent } from '../hook.ts';
import type { HookHost } from '../host.ts';
import { type Message, messageFor, plainText, shorten } from './message.ts';

type Entry = HookConfigOf<'email'>;

/** Longest subject, in characters: what mail programs show. */
const MAX_SUBJECT = 200;

/**
 * A mail over SMTP. Its Message-ID is made of the idempotency key: mail programs show the same mail once.
 * @param recipient the one of `to` who gets it from this hook, when they are several; all are named in the mail
 */
export function emailHook(entry: Entry, label: string, host: HookHost, recipient?: string): Hook {
  const where = `hooks.${label.split(' ')[0]}`;
  return {
    driver: 'email',
    label,
    timeoutMs: entry.timeout,
    retries: entry.retries,
    run: async (event, signal) => ({
      after: await send(entry, where, mailFor(event, entry, recipient), host, signal),
    }),
  };
}

/** `Ann <ann@example.com>` as `ann@example.com`. */
export function addressOf(mailbox: string): string {
  return /<([^<>]*)>$/.exec(mailbox)?.[1] ?? mailbox;
}

async function send(
  entry: Entry,
  where: string,
  mail: Record<string, unknown>,
  host: HookHost,
  signal: AbortSignal,
): Promise<string> {
  const password = entry.password && host.secrets.resolve(entry.password, `${where}.password`);
  // Loaded when mail is sent: it is large.
  const { createTransport } = await import('nodemailer');
  const transport = createTransport({
    host: entry.host,
    port: entry.port,
    secure: entry.tls === 'implicit',
    requireTLS: entry.tls === 'starttls',
    ignoreTLS: entry.tls === 'none',
    ...(entry.user === undefined ? {} : { auth: { user: entry.user, pass: password } }),
    connectionTimeout: entry.timeout,
    greetingTimeout: entry.timeout,
    socketTimeout: entry.timeout,
    // A server that does not say good-bye must not keep the command from ending.
    socketCloseTimeout: 0,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const server = `${entry.host}:${entry.port}`;
  const fail = (what: string, cause?: unknown) =>
    new CutoverError('HOOK_FAILED', EXIT.unreachable, host.secrets.redact(`${server}: ${what}`), { cause });
  const stopped = new Promise<never>((_resolve, reject) => {
    const stop = () => reject(fail(messageOf(signal.reason)));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    const result = await Promise.race([transport.sendMail({ ...mail, signal }), stopped]);
    return result.response ?? 'sent';
  } catch (error) {
    throw error instanceof CutoverError ? error : fail(messageOf(error), error);
  } finally {
    transport.close();
  }
}

export function mailFor(
  event: HookEvent,
  { from, to }: Pick<Entry, 'from' | 'to'>,
  recipient?: string,
): Record<string, unknown> {
  const message = messageFor(event);
  const domain = /@([\w.-]+)/.exec(from)?.[1] ?? 'cutover';
  const id = `${event.migration}.${event.idempotencyKey}`.replace(/[^\w.-]+/g, '.');
  return {
    from,
    to,
    ...(recipient === undefined ? {} : { envelope: { from, to: recipient } }),
    subject: shorten(message.title, MAX_SUBJECT),
    text: `${plainText(message)}\n`,
    html: htmlOf(message),
    messageId: `<${id}@${domain}>`,
    ...(message.level === 'critical' ? { priority: 'high' } : {}),
    headers: { 'Auto-Submitted': 'auto-generated' },
  };
}

function htmlOf({ title, facts }: Message): string {
  const rows = facts.map(({ name, value, code }) => {
    const text = code ? `<code>${escapeHtml(value)}</code>` : escapeHtml(value);
    return `<tr><th align="left" valign="top">${escapeHtml(name)}</th><td>${text}</td></tr>`;
  });
  return `<h3>${escapeHtml(title)}</h3>\n<table cellpadding="4">\n${rows.join('\n')}\n</table>\n`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char);
