import { resolve } from 'node:path';
import { serverIdentity } from '../../config/dns-identity.ts';
import type { HookConfigOf } from '../../config/hooks-schema.ts';
import { nameOf, type ServerAddress, serverOf } from '../../config/server-address.ts';
import { CutoverError, EXIT, messageOf, systemCode } from '../../errors.ts';
import { readOrdinaryFile } from '../../files.ts';
import type { DnsRecordSet } from '../../world.ts';
import { endOfCommand } from '../exec.ts';
import type { Hook } from '../hook.ts';
import type { HookHost } from '../host.ts';
import { namesToLookAt, notAlone, obstaclesTo, type TypesAt } from './alone.ts';
import { contentsOf, setOfContents } from './contents.ts';
import { updateFault } from './nsupdate-faults.ts';
import { checkScript, refusableScript, type UpdatePlace, updateScript } from './nsupdate-script.ts';
import { askServer } from './query.ts';
import { recordHook } from './record-hook.ts';
import { sideBySide } from './record-store.ts';
import type { RecordChange, RecordKey } from './records.ts';
import { fieldsOf } from './rest.ts';
import { typesOf } from './types-at.ts';
import { RCODE, rcodeName } from './wire.ts';
import { isChanged } from './writing.ts';

type Entry = HookConfigOf<'rfc2136'>;

/** Bytes: a key is one short line. */
const MAX_KEY_FILE = 65_536;

/**
 * Dynamic updates (RFC 2136) signed with TSIG (RFC 8945), through BIND's `nsupdate`. All records of the hook change
 * in one message, so all together or not at all, and only while they are what was read before.
 */
export function rfc2136Hook(entry: Entry, label: string, host: HookHost): Hook {
  const server = serverOf(entry.server);
  const place = { server, zone: entry.zone };
  const send = (script: string, signal: AbortSignal) =>
    nsupdate(entry, place, script, host, `hooks.${label.split(' ')[0]}`, signal);
  return recordHook(
    {
      ...entry,
      label: `${label} ${entry.zone.slice(0, -1)}`,
      server: serverIdentity(entry),
    },
    {
      read: (keys, signal) => sideBySide(keys, signal, (key) => readSet(server, key, signal)),
      complete: (changes) => changes.map((change) => ({ ...change, to: completed(change) })),
      types: (names, signal) => typesOf(server, names, signal),
      async replace(changes, signal) {
        const names = namesToLookAt(changes);
        const types: TypesAt = names.length === 0 ? new Map() : await typesOf(server, names, signal);
        const fault = await faultOf(send(updateScript(place, changes, types), signal));
        // What a wildcard stands for is answered like a record of the name: only the server knows what bars the way.
        const obstacles = isChanged(fault) ? obstaclesTo(changes, types) : [];
        if (obstacles.length > 0) throw notAlone(obstacles, fault);
        if (fault !== undefined) throw fault;
      },
      async prove(now, signal) {
        await send(checkScript(place, now), signal);
        const fault = await faultOf(send(refusableScript(place, now), signal));
        if (isChanged(fault)) return;
        throw fault ?? heedless(server);
      },
    },
  );
}

function heedless(server: ServerAddress): CutoverError {
  return new CutoverError(
    'DNS_UPDATE',
    EXIT.unreachable,
    `${nameOf(server)} takes an update whose prerequisites do not hold`,
    {
      hint: 'what something else writes in between would be overwritten: do not move records on this server',
    },
  );
}

async function faultOf(work: Promise<void>): Promise<unknown> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return error;
  }
}

async function readSet(server: ServerAddress, key: RecordKey, signal: AbortSignal): Promise<DnsRecordSet> {
  const answer = await askServer(server, key, signal);
  if (answer.rcode !== RCODE.noError && answer.rcode !== RCODE.noSuchName) {
    throw new CutoverError(
      'DNS_READ',
      EXIT.unreachable,
      `${nameOf(server)} does not answer for ${key.name}: ${rcodeName(answer.rcode)}`,
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
  const owner = own[0]?.owner;
  return setOfContents(
    key,
    own[0]?.ttl ?? 0,
    own.map(({ content }) => content),
    { more: owner === undefined || owner === key.name ? {} : { name: owner } },
  );
}

/** What is written: texts that stay keep their cut, names their case. */
function completed({ from, to }: RecordChange): DnsRecordSet {
  const name = fieldsOf(to.raw).name ?? fieldsOf(from.raw).name;
  const more = to.values.length === 0 || name === undefined ? {} : { name };
  return setOfContents(to, to.ttl, contentsOf(to, { now: from }), { more });
}

async function nsupdate(
  entry: Entry,
  { server, zone }: UpdatePlace,
  script: string,
  host: HookHost,
  where: string,
  signal: AbortSignal,
): Promise<void> {
  const key = entry.keyFile === undefined ? undefined : resolve(host.dir, entry.keyFile);
  // nsupdate goes on without a signature when it cannot read the key: that must never get so far.
  if (key !== undefined) checkKey(key, where, host);
  // By itself it goes on for five minutes, also when whoever has started it is gone; and it repeats what is not answered
  // in time, of which nobody would know that it may still land. A second more than ours, so that ours ends it.
  const seconds = String(Math.ceil(entry.timeout / 1000) + 1);
  const limits = ['-t', seconds, '-u', seconds, '-r', '0'];
  const end = await endOfCommand(['nsupdate', ...limits, ...(key === undefined ? [] : ['-k', key])], {
    cwd: host.dir,
    env: { ...host.env },
    input: script,
    signal,
  }).catch((error: unknown) => {
    throw systemCode(error instanceof Error ? error.cause : undefined) === 'ENOENT'
      ? noNsupdate(error)
      : error;
  });
  if (end.code === 0) return;
  throw updateFault(end.stderr, { server: nameOf(server), zone });
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
