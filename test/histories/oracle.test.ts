import { expect, it } from 'vitest';
import { type CommandLog, type JournalEntry, judge, type Log } from './oracle.ts';

/** The judge itself: what it lets pass, and what it does not. */

const command = (change: Partial<CommandLog>): CommandLog => ({
  actor: 'c0',
  op: 'emergency',
  forward: false,
  began: 1000,
  ended: 2000,
  safe: 2000,
  killed: false,
  stops: [],
  ...change,
});
const forward = (change: Partial<CommandLog>) =>
  command({ actor: 'c1', op: 'canary start', forward: true, safe: null, ...change });

const said = (at: number, share: number, token: number, kind: string) => ({ at, share, token, kind });
const zero = said(1500, 0, 1_000_001, 'emergency');

const log = (change: Partial<Log>): Log => ({
  naive: false,
  commands: [command({})],
  hands: [],
  store: [zero],
  readers: {},
  targetAsked: [],
  journal: [],
  end: 20_000,
  ...change,
});

const wrong = (change: Partial<Log>) => judge(log(change)).violations.length;

it('an emergency whose flag stays at 0 % was right', () => {
  expect(judge(log({}))).toEqual({ violations: [], looked: 1, putBack: 0, operations: 0 });
});

it('a write that was older than the emergency is wrong, whenever it lands', () => {
  expect(wrong({ store: [zero, said(2500, 0.1, 1, 'canary start')] })).toBe(1);
  expect(wrong({ store: [zero, said(1900, 0.1, 1, 'canary start')] })).toBe(1);
});

it('a forward command that was given later may send traffic to target', () => {
  const later = forward({ began: 2500, ended: 3000 });
  expect(
    wrong({ commands: [command({}), later], store: [zero, said(2800, 0.1, 1_000_002, 'canary start')] }),
  ).toBe(0);
});

it('so may one that waited and began its operation later, by its greater token; a rung of a rollback may not', () => {
  const waiting = forward({ began: 500, ended: 3000 });
  const commands = [command({}), waiting];
  expect(wrong({ commands, store: [zero, said(2800, 0.1, 1_000_002, 'canary start')] })).toBe(0);
  expect(wrong({ commands, store: [zero, said(2800, 0.1, 2, 'canary start')] })).toBe(1);
  expect(wrong({ commands, store: [zero, said(2800, 0.05, 1_000_002, 'rollback')] })).toBe(1);
});

it('after a hand on the flag nothing is promised', () => {
  expect(wrong({ hands: [2400], store: [zero, said(2400, 0.5, 1_000_001, 'hand')] })).toBe(0);
});

it('a reader has a while to see it, and sees it for good', () => {
  const sees = (...list: [number, number][]) => ({
    readers: { app: list.map(([at, share]) => ({ at, answered: at + 10, share })) },
  });
  expect(wrong(sees([2100, 1], [3100, 1], [4000, 0], [5000, 0]))).toBe(0);
  expect(wrong(sees([2100, 1], [3100, 1], [12_500, 1]))).toBe(1);
  expect(wrong(sees([3100, 0], [4000, 1]))).toBe(1);
});

it('no request of the gateway reaches target once it has seen 0 %', () => {
  const readers = { gateway: [{ at: 3100, answered: 5000, share: 0 }] };
  const commands = [forward({ began: 100, ended: 500 }), command({})];
  expect(wrong({ commands, readers, targetAsked: [900, 5100] })).toBe(0);
  expect(wrong({ commands, readers, targetAsked: [900, 5500] })).toBe(1);
});

it('no request reaches target before anybody has asked for it', () => {
  expect(wrong({ commands: [forward({ began: 700 })], targetAsked: [600] })).toBe(1);
  expect(wrong({ commands: [], targetAsked: [600] })).toBe(1);
});

it('what a stopped command writes late into a store without tokens has to be taken back', () => {
  const stopped = forward({ began: 500, ended: 4000, stops: [{ from: 800, to: 3000 }] });
  const late = [zero, said(3100, 0.1, 1, 'canary start')];
  const back = [...late, said(3200, 0, 1_000_001, 'emergency')];
  const commands = [command({}), stopped];
  expect(judge(log({ naive: true, commands, store: back }))).toMatchObject({ violations: [], putBack: 1 });
  expect(wrong({ naive: true, commands, store: late })).toBe(1);
  expect(wrong({ commands, store: back })).toBe(1);
});

const entry = (event: JournalEntry['event'], actor: string, kind = 'shift'): JournalEntry => ({
  ...{ event, actor, kind, operation: `op-${kind}` },
});

it('two operations never run at once: none ends a step after another has begun', () => {
  const [a, b] = [entry('begins', 'c1'), entry('begins', 'c2', 'rollback')];
  const [endA, endB] = [entry('step', 'c1'), entry('step', 'c2', 'rollback')];
  expect(wrong({ journal: [a, endA, b, endB] })).toBe(0);
  expect(wrong({ journal: [a, b, endA] })).toBe(1);
  expect(wrong({ journal: [a, b, endB, endA] })).toBe(1);
  expect(judge(log({ journal: [a, b] })).operations).toBe(2);
});

it('nor does one run twice; who was killed writes nothing any more, and another may resume it', () => {
  const [a, resumed] = [entry('begins', 'c1'), entry('resumes', 'c2')];
  expect(wrong({ journal: [a, resumed, entry('step', 'c2')] })).toBe(0);
  expect(wrong({ journal: [a, resumed, entry('step', 'c1')] })).toBe(1);
  expect(wrong({ journal: [a, resumed, entry('resumes', 'c1'), entry('step', 'c1')] })).toBe(0);
});

it('an emergency may take over from whoever runs, and what that was at ends whenever it ends', () => {
  const a = entry('begins', 'c1');
  const emergency = [entry('begins', 'c2', 'emergency'), entry('step', 'c2', 'emergency')];
  expect(wrong({ journal: [a, ...emergency, entry('step', 'c1')] })).toBe(0);
  expect(wrong({ journal: [a, ...emergency, entry('begins', 'c3', 'rollback'), entry('step', 'c1')] })).toBe(
    0,
  );
  const late = entry('step', 'c2', 'emergency');
  expect(wrong({ journal: [a, late, entry('begins', 'c3', 'rollback'), entry('step', 'c1')] })).toBe(1);
});
