import { resolve } from 'node:path';
import type { HookConfigOf } from '../../config/hooks-schema.ts';
import { CutoverError, EXIT, messageOf, systemCode } from '../../errors.ts';
import { readOrdinaryFile } from '../../files.ts';
import type { DnsRecordSet } from '../../world.ts';
import { endOfCommand } from '../exec.ts';
import type { Hook } from '../hook.ts';
import type { HookHost } from '../host.ts';
import { updateFault } from './nsupdate-faults.ts';
import { updateScript } from './nsupdate-script.ts';
import { askServer, nameOf, type ServerAddress } from './query.ts';
import { recordHook } from './record-hook.ts';
import { type RecordChange, type RecordKey, recordSet } from './records.ts';

type Entry = HookConfigOf<'rfc2136'>;

const DNS_PORT = 53;
/** Bytes: a key is one short line. */
const MAX_KEY_FILE = 65_536;
/** RCODEs that say something about the records themselves. */
const NOERROR = 0;
const NXDOMAIN = 3;
const REFUSED = 5;

/**
 * Dynamic updates (RFC 2136) signed with TSIG (RFC 8945), through BIND's `nsupdate`. All records of the hook change
 * in one message, so all together or not at all, and only while they are what was read before.
 */
export function rfc2136Hook(entry: Entry, label: string, host: HookHost): Hook {
  const server = serverOf(entry.server);
  return recordHook(
    { ...entry, label: `${label} ${entry.zone.slice(0, -1)}` },
    {
      read: (keys, signal) => Promise.all(keys.map((key) => readSet(server, key, signal))),
      replace: (changes, signal) =>
        update(entry, server, changes, host, `hooks.${label.split(' ')[0]}`, signal),
    },
  );
}

export function serverOf(text: string): ServerAddress {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(text);
  return { host: match?.[1] ?? match?.[2] ?? text, port: Number(match?.[3] ?? DNS_PORT) };
}

async function readSet(server: ServerAddress, key: RecordKey, signal: AbortSignal): Promise<DnsRecordSet> {
  const answer = await askServer(server, key, signal);
  if (answer.rcode !== NOERROR && answer.rcode !== NXDOMAIN) {
    throw new CutoverError(
      'DNS_READ',
      EXIT.unreachable,
      `${nameOf(server)} does not answer for ${key.name}: ${answer.rcode === REFUSED ? 'REFUSED' : `RCODE ${answer.rcode}`}`,
      { hint: 'the server must hold the zone and let this machine query it' },
    );
  }
  if (!answer.authoritative) {
    throw new CutoverError(
      'DNS_NOT_AUTHORITATIVE',
      EXIT.unreachable,
      `${nameOf(server)} is not an authority for ${key.name}`,
      { hint: 'name the zone’s primary server, not a resolver' },
    );
  }
  const own = answer.records.filter(({ name, type }) => name === key.name && type === key.type);
  return recordSet(
    key,
    own[0]?.ttl ?? 0,
    own.map(({ value }) => value),
  );
}

async function update(
  entry: Entry,
  server: ServerAddress,
  changes: readonly RecordChange[],
  host: HookHost,
  where: string,
  signal: AbortSignal,
): Promise<void> {
  const key = entry.keyFile === undefined ? undefined : resolve(host.dir, entry.keyFile);
  // nsupdate goes on without a signature when it cannot read the key: that must never get so far.
  if (key !== undefined) checkKey(key, where, host);
  const end = await endOfCommand(['nsupdate', ...(key === undefined ? [] : ['-k', key])], {
    cwd: host.dir,
    env: { ...host.env },
    input: updateScript(server, entry.zone, changes),
    signal,
  }).catch((error: unknown) => {
    throw systemCode(error instanceof Error ? error.cause : undefined) === 'ENOENT'
      ? noNsupdate(error)
      : error;
  });
  if (end.code === 0) return;
  throw updateFault(end.stderr, { server: nameOf(server), zone: entry.zone });
}

function noNsupdate(cause: unknown): CutoverError {
  return new CutoverError('NSUPDATE_MISSING', EXIT.config, 'the program nsupdate is not installed', {
    hint: 'it comes with BIND’s tools: bind9-dnsutils (Debian, Ubuntu), bind-utils (Fedora), bind-tools (Alpine)',
    cause,
  });
}

/** @throws CutoverError KEY_FILE (78) */
function checkKey(path: string, where: string, host: HookHost): void {
  const fail = (what: string, cause?: unknown) =>
    new CutoverError('KEY_FILE', EXIT.config, `${where}.keyFile: ${what}`, {
      hint: 'make one with `tsig-keygen -a hmac-sha256 NAME`; the server needs the same key',
      cause,
    });
  let text: string;
  try {
    text = readOrdinaryFile(path, { maxBytes: MAX_KEY_FILE });
  } catch (error) {
    throw fail(`cannot be read: ${messageOf(error)}`, error);
  }
  const secret = /\bsecret\s+"?([A-Za-z0-9+/]+=*)"?\s*;/.exec(text)?.[1];
  if (secret === undefined || !/\bkey\s+"?[\w.-]+"?\s*\{/.test(text)) throw fail('holds no TSIG key');
  host.secrets.remember(secret);
}
