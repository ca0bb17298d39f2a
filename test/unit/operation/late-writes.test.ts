import { expect, it } from 'vitest';
import type { FlagDriver } from '../../../src/flag/driver.ts';
import type { Journal, StepEnd } from '../../../src/operation/journal.ts';
import { overCommands } from '../../../src/operation/late-writes.ts';
import { type Rival, underWay } from '../../../src/operation/rival.ts';
import { writeBounds } from '../../../src/operation/rivals.ts';
import { planEmergency } from '../../../src/rollback/plan.ts';

/** A way back at a flag whose store was asked by others: what it keeps in the journal of that. */

const FLAG = { kind: 'flag', driver: 'webhook', label: 'webhook' } as const;
const WRITE = underWay('the canary start op-1');
const UNSEEN: Rival = { words: 'the shift op-0 (on web-7, which cannot be seen from here)' };

const flag = (settlesMs: number) =>
  ({ ...FLAG, fences: false, timeoutMs: 50, settlesMs }) as Partial<FlagDriver> as FlagDriver;

interface Around {
  otherFlags?: FlagDriver[];
  onLook?(flags: readonly FlagDriver[]): void;
}

/** @param looks who is there at each look; the last stays */
async function wayBack({ otherFlags = [], onLook }: Around, ...looks: Rival[][]) {
  const plan = {
    ...planEmergency({ flag: FLAG, dns: [], notify: [] }, 0.1, '', null),
    kind: 'rollback' as const,
  };
  let look = 0;
  let outlasted = false;
  let runs = 0;
  const journal: Partial<Journal> = {
    operation: { id: 'op-2', plan, steps: [] } as unknown as Journal['operation'],
    winner: () => null,
    rivals: (flags) => {
      onLook?.(flags);
      return looks[Math.min(look++, looks.length - 1)] ?? [];
    },
    outlasted: () => {
      outlasted = true;
    },
  };
  const drivers = { flag: flag(50), otherFlags, dns: [], notify: [] };
  const end = await overCommands(journal as Journal, { drivers, onWait: () => {} }, 0, async () => {
    runs++;
    return { outcome: 'done', attempts: 1, ms: 1, before: 0.1, after: 0, error: null } as StepEnd;
  });
  return { outlasted, runs, notes: end.notes };
}

it('what others asked for is waited for, and the flag set once more: then nobody is left', async () => {
  expect(await wayBack({}, [WRITE], [WRITE], [])).toEqual({ outlasted: true, runs: 2, notes: undefined });
});

it('where one who cannot be seen is left, that is not said', async () => {
  expect(await wayBack({}, [WRITE, UNSEEN], [WRITE, UNSEEN], [UNSEEN])).toMatchObject({
    outlasted: false,
    runs: 2,
    notes: [`${UNSEEN.words} may still write the flag`],
  });
});

it('of several flags the slowest store is waited for', async () => {
  const slow = { ...flag(300), label: 'webhook (of an earlier config)' };
  const seen: number[] = [];
  await wayBack(
    { otherFlags: [slow], onLook: (flags) => seen.push(writeBounds(flags).settlesMs) },
    [WRITE],
    [],
  );
  expect(new Set(seen)).toEqual(new Set([300]));
});

it('where nobody is there, nothing is waited for', async () => {
  expect(await wayBack({}, [])).toMatchObject({ outlasted: false, runs: 1 });
});
