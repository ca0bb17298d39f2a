import type { Resolver } from 'node:dns/promises';
import type { DnsBench } from './dns-bench.ts';

/** Asks a real DNS server through the system's own resolver library. */
export function lookWith(resolver: Resolver): DnsBench['look'] {
  return async (name, type) => {
    try {
      const found: unknown[] = await resolver.resolve(name, type).then((values) => [values].flat(1));
      return found
        .map((value) => (Array.isArray(value) ? value.join('') : String(value)))
        .map((value) => (type === 'CNAME' ? `${value}.` : value))
        .sort();
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === 'ENODATA' || code === 'ENOTFOUND') return [];
      throw error;
    }
  };
}
