import { describe, expect, it } from 'vitest';
import type { HookEvent } from '../../../src/hooks/hook.ts';
import { asksFor, type NotifyOn } from '../../../src/hooks/notify/on.ts';
import { hookEvent, hooksOf, rollbackEvent } from '../../servers/hooks.ts';

const forward = hookEvent({ outcome: 'done' });
const back = rollbackEvent({ outcome: 'done', steps: [] });
const kind = (operation: HookEvent['operation']['kind']) =>
  hookEvent({ operation: { id: 'x', kind: operation } });

describe('what a notify hook asks to be told of', () => {
  it.each<[string, NotifyOn[] | undefined, HookEvent, boolean]>([
    ['every operation, when it says nothing', undefined, forward, true],
    ['no freeze, when it says nothing', undefined, kind('freeze'), false],
    ['no FAIL, when it says nothing', undefined, kind('canary FAIL'), false],
    ['forward', ['forward'], forward, true],
    ['forward, which failed', ['forward'], hookEvent({ outcome: 'failed' }), true],
    ['forward only', ['forward'], back, false],
    ['records that are mended, with forward', ['forward'], kind('dns apply'), true],
    ['no records that are mended, with rollbacks', ['rollback'], kind('dns apply'), false],
    ['a rollback', ['rollback'], back, true],
    [
      'an emergency, with rollbacks',
      ['rollback'],
      { ...back, operation: { id: 'x', kind: 'emergency' } },
      true,
    ],
    ['no failed shift, with rollbacks', ['rollback'], hookEvent({ outcome: 'partial' }), false],
    ['what failed, whichever way', ['failed'], rollbackEvent({ outcome: 'partial' }), true],
    ['what failed only', ['failed'], forward, false],
    ['a freeze and its end', ['freeze'], kind('unfreeze'), true],
    ['a FAIL', ['fail'], kind('canary FAIL'), true],
  ])('%s', (_what, on, event, asked) => expect(asksFor(on, event)).toBe(asked));
});

describe('whom a hook tells', () => {
  const entry = { driver: 'webhook', url: 'http://127.0.0.1:1/a' };
  const receivers = (...notify: object[]) =>
    hooksOf({ notify }, { dir: '/' }).notify.map(({ receiver }) => receiver);

  it('is the same wherever the entry stands and however patient it is', () => {
    const other = { driver: 'webhook', url: 'http://127.0.0.1:1/b' };
    const [a, b] = receivers(entry, other);
    expect(receivers(other, { ...entry, retries: 7, timeout: '1s', on: ['failed'] })).toEqual([b, a]);
    expect(a).not.toBe(b);
  });

  it('is each for itself where two entries say the same', () => {
    expect(new Set(receivers(entry, entry)).size).toBe(2);
  });
});
