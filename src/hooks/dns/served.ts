import { nameOf, type ServerAddress } from '../../config/server-address.ts';
import { CutoverError, EXIT, messageOf } from '../../errors.ts';
import type { DnsRecordSet } from '../../world.ts';
import { setOfContents } from './contents.ts';
import { askServer } from './query.ts';
import { describeSet } from './records.ts';
import { RCODE, rcodeName } from './wire.ts';

/** How long one answer may take, and how long to wait before a server is asked again. Milliseconds. */
const ANSWER_MS = 2000;
const PAUSE_MS = 250;

/**
 * Waits until each of the servers says the sets. They may be secondaries of the zone or resolvers: the values must be
 * the same, and no TTL longer.
 * @param until Unix milliseconds; what is not there then is an error
 * @throws CutoverError DNS_NOT_SERVED (69), naming what each server says instead
 */
export async function untilServed(
  servers: readonly ServerAddress[],
  sets: readonly DnsRecordSet[],
  until: number,
  signal: AbortSignal,
): Promise<void> {
  const late = await Promise.all(servers.map((server) => waitFor(server, sets, until, signal)));
  const told = late.filter((text) => text !== null);
  if (told.length === 0) return;
  const what = `not what the zone’s own server says: ${told.join('; ')}`;
  throw new CutoverError('DNS_NOT_SERVED', EXIT.unreachable, what, {
    hint:
      'another try asks them again, and a longer `timeout` waits for them; ' +
      'one that is gone: take it out of `verify`, and `cutover resume` finishes the step',
  });
}

/** @returns what is wrong at the end, or null */
async function waitFor(
  server: ServerAddress,
  sets: readonly DnsRecordSet[],
  until: number,
  signal: AbortSignal,
): Promise<string | null> {
  for (let last: string | null = null; ; ) {
    // However late it has become, each is asked once.
    const left = last === null ? ANSWER_MS : Math.min(ANSWER_MS, until - Date.now());
    const timer = AbortSignal.timeout(Math.max(1, left));
    const wrong = await lookAt(server, sets, AbortSignal.any([signal, timer]));
    if (wrong === null) return null;
    // A question that our own time cut short says less than what was answered before.
    last = timer.aborted ? (last ?? wrong) : wrong;
    if (Date.now() + PAUSE_MS >= until || signal.aborted) return last;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

async function lookAt(
  server: ServerAddress,
  sets: readonly DnsRecordSet[],
  signal: AbortSignal,
): Promise<string | null> {
  try {
    for (const set of sets) {
      const { records, rcode } = await askServer(server, set, signal, { recurse: true });
      // One that refuses, or has failed, does not say that there is nothing.
      if (rcode !== RCODE.noError && rcode !== RCODE.noSuchName)
        return `${nameOf(server)} does not answer for ${set.name}: ${rcodeName(rcode)}`;
      const own = records.filter(({ name, type }) => name === set.name && type === set.type);
      const ttl = Math.max(0, ...own.map((record) => record.ttl));
      const said = setOfContents(
        set,
        ttl,
        own.map(({ content }) => content),
      );
      if (ttl > set.ttl || String(said.values) !== String(set.values))
        return `${nameOf(server)} says ${describeSet(said)}`;
    }
    return null;
  } catch (error) {
    return messageOf(error);
  }
}
