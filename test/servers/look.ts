import { execFile } from 'node:child_process';
import type { Resolver } from 'node:dns/promises';
import { promisify } from 'node:util';
import type { DnsBench } from './dns-bench.ts';
import { pathOf } from './require.ts';

/** What a server answers for a name, line by line as `dig` prints it. */
export async function digAll(port: number, name: string): Promise<string[]> {
  const types = ['CNAME', 'A', 'AAAA', 'TXT'].flatMap((type) => [name, type]);
  const flags = ['@127.0.0.1', '-p', String(port), '+noall', '+answer', '+norecurse'];
  const { stdout } = await promisify(execFile)(pathOf('dig') ?? 'dig', [...flags, ...types]);
  // A CNAME comes with the answer to every type.
  return [...new Set(stdout.split('\n').filter((line) => line !== ''))].sort();
}

export const decimalByte = (value: number) => `\\${String(value).padStart(3, '0')}`;

/** Asks a real DNS server through the system's own resolver library. */
export function lookWith(resolver: Resolver): DnsBench['look'] {
  return async (name, type) => {
    try {
      const found: unknown[] = await resolver.resolve(name, type).then((values) => [values].flat(1));
      return found
        .map((value) =>
          // The library reads each byte of a text as a character.
          Array.isArray(value) ? Buffer.from(value.join(''), 'latin1').toString() : String(value),
        )
        .map((value) => (type === 'CNAME' ? `${value}.` : value))
        .sort();
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === 'ENODATA' || code === 'ENOTFOUND') return [];
      throw error;
    }
  };
}
