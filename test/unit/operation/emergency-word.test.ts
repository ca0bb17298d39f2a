import { describe, expect, it } from 'vitest';
import type { FlagSource } from '../../../src/config/lenient.ts';
import type { EmergencyEnd } from '../../../src/operation/emergency.ts';
import { wordOf } from '../../../src/operation/emergency-word.ts';
import type { Rival } from '../../../src/operation/rival.ts';

function end(
  flags: { ratio: number | null; existed?: boolean; set?: boolean }[],
  rivals: Rival[] | null = [],
) {
  return {
    flags: flags.map(({ ratio, existed = true }, i) => ({ label: `flag ${i}`, ratio, existed })),
    rivals,
    report: { steps: flags.map(({ set = true }) => ({ outcome: set ? 'done' : 'failed' })) },
  } as unknown as EmergencyEnd;
}

describe('the word of an emergency', () => {
  it.each<[string, EmergencyEnd, FlagSource[], boolean, number]>([
    ['all is well', end([{ ratio: 0 }]), ['last config'], true, 0],
    ['both of two', end([{ ratio: 0 }, { ratio: 0, existed: false }]), ['last config', 'config'], true, 0],
    [
      'the last config, before there was a flag',
      end([{ ratio: 0, existed: false }]),
      ['last config'],
      true,
      0,
    ],
    ['a config of today, with readers', end([{ ratio: 0 }]), ['config'], true, 0],
    ['a config of today, without', end([{ ratio: 0, existed: false }]), ['config'], false, 78],
    ['a damaged config alone', end([{ ratio: 0 }]), ['damaged config'], false, 78],
    ['the default alone', end([{ ratio: 0 }]), ['default'], false, 78],
    [
      'one of two not set',
      end([{ ratio: 0 }, { ratio: 0, set: false }]),
      ['last config', 'config'],
      false,
      69,
    ],
    ['one request in a billion', end([{ ratio: 1e-9 }]), ['last config'], false, 69],
    ['lifted again', end([{ ratio: 0.1 }]), ['last config'], false, 69],
    ['unreadable at the end', end([{ ratio: null }]), ['last config'], false, 69],
    ['a rival is left', end([{ ratio: 0 }], [{ words: 'the shift op-1' }]), ['last config'], false, 69],
    ['rivals cannot be seen', end([{ ratio: 0 }], null), ['last config'], false, 69],
  ])('%s', (_name, given, sources, safe, exitCode) => {
    const word = wordOf(given, sources);
    expect(word).toMatchObject({ safe, exitCode });
    expect(/^safe:/.test(word.text)).toBe(safe);
    expect(word.why.length > 0).toBe(!safe);
  });
});
