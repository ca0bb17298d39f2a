import type { ServerAddress } from '../../config/server-address.ts';
import { askServer } from './query.ts';
import { sideBySide } from './record-store.ts';
import { ANY, COMMON_TYPES, typeName } from './types.ts';
import { RCODE } from './wire.ts';

const CNAME = 5;
const HINFO = 13;

/**
 * The types that names have, by an authority's own word. Where a wildcard answers for a name that is not there, a name
 * beside it is answered the same: then it counts as having none.
 * @throws CutoverError DNS_UNREACHABLE, DNS_ANSWER (69)
 */
export async function typesOf(
  server: ServerAddress,
  names: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, string[]>> {
  const one = async (name: string): Promise<[string, string[]]> => {
    const [own, beside] = await Promise.all(
      [name, nobodyBeside(name)].map((each) => typesAt(server, each, signal)),
    );
    return [name, String(own) === String(beside) ? [] : (own ?? []).map(typeName)];
  };
  return new Map(await sideBySide(names, signal, one));
}

const nobodyBeside = (name: string): string => name.replace(/^[^.]*/, 'cutover-asks-for-a-wildcard');

/** A server may give but a part of all that a name has (RFC 8482): then it is asked for each common type. */
async function typesAt(server: ServerAddress, name: string, signal: AbortSignal): Promise<number[]> {
  const ask = async (type: number) => {
    // Over UDP more servers give a part only.
    const { all, rcode } = await askServer(server, { name, type }, signal, { tcp: type === ANY });
    const own = all.filter((record) => record.name === name).map((record) => record.type);
    return { own: [...new Set(own)].sort((a, b) => a - b), rcode };
  };
  const { own, rcode } = await ask(ANY);
  if (rcode === RCODE.noSuchName) return [];
  if (rcode === RCODE.noError && own.length > 0 && String(own) !== String(HINFO)) return own;
  const each = await sideBySide([CNAME, ...COMMON_TYPES], signal, ask);
  return [...new Set(each.flatMap((answer) => answer.own))].sort((a, b) => a - b);
}
