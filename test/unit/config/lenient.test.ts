import { describe, expect, it } from 'vitest';
import { flagsInQuestion } from '../../../src/config/lenient.ts';
import type { FlagConfig } from '../../../src/config/schema.ts';

const file = (path: string, key = 'llm'): FlagConfig => ({ driver: 'file', path, key });
const [A, B, C] = [file('a.json'), file('b.json'), file('a.json', 'other')];
const DEFAULT = file('flags.json', 'llm-provider');

const snapshot = (flag: FlagConfig, ...written: FlagConfig[]) => ({
  config: { migration: 'm', flag, hooks: { dns: [], notify: [] }, checkpoints: { keep: 10 } },
  dir: '/etc/m',
  written: written.map((one) => ({ flag: one, dir: '/etc/m' })),
});
const config = (flag: FlagConfig | undefined, flagWritten: boolean, whole = true) => ({
  flag,
  flagWritten,
  whole,
});

describe('the flags in question', () => {
  it.each([
    ['the same in both', config(A, true), snapshot(A), [['last config', A]]],
    [
      'another path',
      config(B, true),
      snapshot(A),
      [
        ['last config', A],
        ['config', B],
      ],
    ],
    [
      'another key',
      config(C, true),
      snapshot(A),
      [
        ['last config', A],
        ['config', C],
      ],
    ],
    [
      'no longer written',
      config(DEFAULT, false),
      snapshot(A),
      [
        ['last config', A],
        ['default', DEFAULT],
      ],
    ],
    ['lost with the rest', config(DEFAULT, false, false), snapshot(A), [['last config', A]]],
    [
      'written in a damaged config',
      config(B, true, false),
      snapshot(A),
      [
        ['last config', A],
        ['damaged config', B],
      ],
    ],
    ['written, but not valid', config(undefined, true, false), snapshot(A), [['last config', A]]],
    [
      'changed a moment ago',
      config(B, true),
      snapshot(B, A),
      [
        ['last config', B],
        ['earlier config', A],
      ],
    ],
    [
      'changed twice since it was set',
      config(C, true),
      snapshot(B, A),
      [
        ['last config', B],
        ['config', C],
        ['earlier config', A],
      ],
    ],
    ['nothing but the config', config(A, true), undefined, [['config', A]]],
    ['nothing but a damaged config', config(A, true, false), undefined, [['damaged config', A]]],
    ['nothing at all', undefined, undefined, [['default', DEFAULT]]],
    ['no config', undefined, snapshot(A), [['last config', A]]],
  ])('%s', (_name, parts, last, expected) => {
    expect(flagsInQuestion(parts, last, '/etc/m').map(({ source, config: flag }) => [source, flag])).toEqual(
      expected,
    );
  });

  it('is another file where the config stands in another folder', () => {
    expect(flagsInQuestion(config(A, true), snapshot(A), '/home/m').map(({ dir }) => dir)).toEqual([
      '/etc/m',
      '/home/m',
    ]);
  });

  it('takes the timeouts of today for the flag of before', () => {
    const exec = (timeout: number): FlagConfig => ({
      driver: 'exec',
      command: ['./flag'],
      timeout,
      retries: 0,
    });
    expect(flagsInQuestion(config(exec(5), true), snapshot(exec(9)), '/etc/m')).toEqual([
      { source: 'last config', config: exec(5), dir: '/etc/m' },
    ]);
  });
});
