import { absoluteName } from '../../config/dns-values.ts';
import type { ServerAddress } from '../../config/server-address.ts';
import { CutoverError, EXIT } from '../../errors.ts';
import type { DnsRecordSet } from '../../world.ts';
import { comingIn, mayStandBeside, type TypesAt } from './alone.ts';
import { contentsOf, isZoneFileContent } from './contents.ts';
import type { RecordChange } from './records.ts';
import { fieldsOf } from './rest.ts';
import { COMMON_TYPES, genericType, typeName } from './types.ts';

/** Where an update goes. */
export interface UpdatePlace {
  server: ServerAddress;
  zone: string;
}

/**
 * The input of `nsupdate` for one message: that every set is still what was read (section 2.4 of RFC 2136), and that
 * nothing stands where a CNAME is to stand alone, as servers pass over a CNAME that cannot be added and delete all the
 * same; then all that goes, then all that comes, so that a CNAME can make way for addresses of its name.
 * @param types what the names have as far as it was seen, besides common types
 * @throws CutoverError DNS_VALUE (65) for a name or value that cannot be written on a line
 */
export function updateScript(
  place: UpdatePlace,
  changes: readonly RecordChange[],
  types: TypesAt = new Map(),
): string {
  const from = changes.map((change) => change.from);
  return message(place, [...stillSays(from), ...roomFor(changes, types), ...replacing(changes)]);
}

/** A message that changes nothing: prerequisites alone, which hold when the sets are what was read. */
export function checkScript(place: UpdatePlace, sets: readonly DnsRecordSet[]): string {
  return message(place, stillSays(sets));
}

/**
 * A message that can change nothing, as its prerequisites exclude each other: whoever may not change these sets is
 * refused by servers that look at rights first. It would write what is there.
 */
export function refusableScript(place: UpdatePlace, sets: readonly DnsRecordSet[]): string {
  const never = sets.flatMap((set) =>
    ['yxrrset', 'nxrrset'].map((is) => `prereq ${is} ${nameOf(set)} ${set.type}`),
  );
  return message(place, [...never, ...replacing(sets.map((set) => ({ from: set, to: set })))]);
}

function message({ server, zone }: UpdatePlace, lines: readonly string[]): string {
  return `${[`server ${server.host} ${server.port}`, `zone ${zone}`, ...lines, 'send'].join('\n')}\n`;
}

function stillSays(sets: readonly DnsRecordSet[]): string[] {
  return sets.flatMap((set) => {
    const record = `${nameOf(set)} ${set.type}`;
    if (set.values.length === 0) return [`prereq nxrrset ${record}`];
    return written(set).map((content) => `prereq yxrrset ${record} ${content}`);
  });
}

/** That nothing which the message is not about excludes what comes. */
function roomFor(changes: readonly RecordChange[], types: TypesAt): string[] {
  return comingIn(changes).flatMap(({ to }) => {
    const own = changes.filter((one) => one.to.name === to.name).map((one) => one.to.type as string);
    const others =
      to.type === 'CNAME' ? [...COMMON_TYPES.map(typeName), ...(types.get(to.name) ?? [])] : ['CNAME'];
    const excluding = new Set(others.filter((type) => !own.includes(type) && !mayStandBeside(type)));
    return [...excluding].map((type) => `prereq nxrrset ${nameOf(to)} ${genericType(type)}`);
  });
}

function replacing(changes: readonly RecordChange[]): string[] {
  const goes = changes.filter(({ from }) => from.values.length > 0);
  return [
    ...goes.map(({ from }) => `update delete ${nameOf(from)} ${from.type}`),
    ...changes.flatMap(({ to }) =>
      written(to).map((content) => `update add ${nameOf(to)} ${to.ttl} ${to.type} ${content}`),
    ),
  ];
}

/** The name in the case in which the server has it. */
function nameOf({ name, raw }: DnsRecordSet): string {
  if (absoluteName(name) !== name) throw unwritable(name);
  const owner = fieldsOf(raw).name;
  return typeof owner === 'string' && owner.endsWith('.') && absoluteName(owner) === name ? owner : name;
}

function written(set: DnsRecordSet): string[] {
  const contents = contentsOf(set);
  for (const content of contents) if (!isZoneFileContent(set.type, content)) throw unwritable(content);
  return contents;
}

function unwritable(text: string): CutoverError {
  return new CutoverError('DNS_VALUE', EXIT.input, `cannot be written into an update: ${text}`, {
    hint: 'change this record by hand',
  });
}
