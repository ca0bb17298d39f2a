import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OperationRecord } from '../../../src/operation/record.ts';
import { underWay, unseenRival } from '../../../src/operation/rival.ts';
import type { Facts } from '../../../src/situation/facts.ts';
import type { Asking } from '../../../src/situation/refusals.ts';
import { situationOf } from '../../../src/situation/situation.ts';
import type { Status } from '../../../src/world.ts';
import { FREEZE, factsAt, leaseOf, NOW, operation, run, stateAt, UNREADABLE } from './world.ts';

const killed = operation({ flag: 'running', notify: 'pending' });
const telling = operation({ flag: 'done', notify: 'running' });
const untold = operation({ flag: 'done', notify: 'failed' }, { outcome: 'partial', applied: true });
const dnsLeft = operation(
  { flag: 'done', dns: 'failed', notify: 'done' },
  { kind: 'rollback', outcome: 'partial', applied: true },
);
const emergency = operation({ flag: 'done', dns: 'pending' }, { kind: 'emergency' });
const rungs = operation({ flag: 'done' }, { kind: 'rollback', outcome: 'done', applied: true, open: false });
const betweenRungs = (holder: 'running' | 'gone' | 'unknown'): Facts['betweenRungs'] => ({
  rung: {
    ...rungs,
    plan: { ...rungs.plan, to: { status: 'rolling', ratio: 0.1, activeProvider: 'legacy' } },
  },
  leadsTo: rungs.plan.to,
  holder,
});
const drifted = { flag: { is: 'read', ratio: 0.4 } } as const;
const dns = {
  drift: [{ label: 'dns[0]', name: 'llm.', type: 'CNAME', expected: 'legacy.', actual: 'target.' }],
  readings: [],
};
const dnsDown = { readings: [{ label: 'dns[0]', records: null, error: 'timeout' }], drift: [] };
const PASS = { run: run('PASS') };
const FAIL = { run: run('FAIL'), fail: run('FAIL') };

/** What is known → which situation, its headline, and the commands that come next. */
const TABLE: [string, Facts, string, string, string[]][] = [
  // nothing has happened yet
  [
    'before anything',
    factsAt('idle', 0, {
      flag: { is: 'absent' },
      state: stateAt('idle', 0, { changedAt: null, stage: null }),
    }),
    'idle',
    'safe: no request goes to target: there is no flag yet',
    ['cutover canary start'],
  ],
  [
    'idle',
    factsAt('idle', 0),
    'idle',
    'safe: the flag sends every request to legacy',
    ['cutover canary start'],
  ],
  [
    'rolled back',
    factsAt('rollback', 0),
    'idle',
    'safe: the flag sends every request to legacy',
    ['cutover canary start'],
  ],
  // an operation runs, ended half-way, or has only somebody left to tell
  [
    'running',
    factsAt('idle', 0, {
      flag: { is: 'read', ratio: 0.1 },
      lease: leaseOf(telling, 'running'),
      open: [telling],
    }),
    'running',
    'moving: canary start, 0 % → 10 %, by ann@ops1',
    ['wait'],
  ],
  [
    'running or not, nobody knows',
    factsAt('idle', 0, { lease: leaseOf(telling, 'unknown'), open: [telling] }),
    'running',
    'moving: canary start, 0 % → 10 %, by ann@ops1; whether its process still runs is not known here',
    ['wait'],
  ],
  [
    'running, frozen, failed, unreadable',
    factsAt('idle', 0, {
      ...FAIL,
      freeze: FREEZE,
      flag: UNREADABLE,
      lease: leaseOf(telling, 'running'),
      open: [telling],
    }),
    'running',
    'moving: canary start, 0 % → 10 %, by ann@ops1',
    ['wait'],
  ],
  [
    'killed',
    factsAt('idle', 0, { flag: { is: 'read', ratio: 0.1 }, lease: leaseOf(killed, 'gone'), open: [killed] }),
    'unfinished',
    'not safe: the canary start op-1 (0 % → 10 %) is not finished; the flag says 10 %',
    ['cutover resume', 'cutover rollback'],
  ],
  [
    'killed while it told people: the state does not say so yet',
    factsAt('idle', 0, { flag: { is: 'read', ratio: 0.1 }, open: [telling] }),
    'unfinished',
    'not safe: the canary start op-1 (0 % → 10 %) is not finished; the flag says 10 %',
    ['cutover resume', 'cutover rollback'],
  ],
  [
    'killed, and frozen since: not forward',
    factsAt('idle', 0, { open: [killed], freeze: FREEZE }),
    'unfinished',
    'not safe: the canary start op-1 (0 % → 10 %) is not finished; the flag says 0 %',
    ['cutover rollback'],
  ],
  [
    'killed, frozen, and the flag set by hand below the way back',
    factsAt('canary', 0.1, {
      flag: { is: 'read', ratio: 0 },
      backRatio: 0.1,
      open: [operation({ flag: 'running' }, { kind: 'shift' })],
      freeze: FREEZE,
    }),
    'unfinished',
    'not safe: the shift op-1 (0 % → 10 %) is not finished; the flag says 0 %',
    ['cutover rollback --emergency'],
  ],
  [
    'a killed emergency',
    factsAt('rolling', 0.5, { flag: { is: 'read', ratio: 0 }, open: [emergency] }),
    'unfinished',
    'not safe: the emergency op-1 (10 % → 0 %) is not finished; the flag says 0 %',
    ['cutover resume'],
  ],
  [
    'killed, and a flag that cannot be read',
    factsAt('idle', 0, { open: [killed], flag: UNREADABLE }),
    'unfinished',
    'not safe: the canary start op-1 (0 % → 10 %) is not finished; the flag cannot be read',
    ['cutover resume', 'cutover rollback'],
  ],
  [
    'DNS was not moved back',
    factsAt('rollback', 0, { open: [dnsLeft] }),
    'unfinished',
    'not safe: the rollback op-1 (10 % → 0 %) is not finished; the flag says 0 %',
    ['cutover resume', 'cutover dns diff'],
  ],
  [
    'only somebody is left to tell',
    factsAt('canary', 0.1, { ...PASS, open: [untold] }),
    'ready',
    'safe: the flag sends 10 % of requests to target; ready for 25 %; not everyone was told of the last change',
    ['cutover resume', 'cutover shift --next'],
  ],
  // a gradual rollback between two rungs
  [
    'a gradual rollback that goes on',
    factsAt('rolling', 0.1, { ...PASS, betweenRungs: betweenRungs('running') }),
    'ready',
    'safe: the flag sends 10 % of requests to target; the rollback to 0 % goes on by itself, now at 10 %',
    ['wait', 'cutover rollback'],
  ],
  [
    'one whose process is gone, and a freeze',
    factsAt('rolling', 0.1, { betweenRungs: betweenRungs('gone'), freeze: FREEZE }),
    'frozen',
    'safe: the flag sends 10 % of requests to target; forward steps are frozen; the rollback to 0 % stopped at 10 %',
    ['cutover rollback', 'cutover unfreeze'],
  ],
  [
    'one that may run elsewhere, and a FAIL',
    factsAt('rolling', 0.1, { ...FAIL, betweenRungs: betweenRungs('unknown') }),
    'failed',
    'not safe: the canary failed at 10 %, and 10 % of requests still go to target',
    ['cutover rollback', 'cutover canary status'],
  ],
  // the world is not what the state says, or cannot be told
  [
    'unreadable',
    factsAt('canary', 0.1, { ...FAIL, freeze: FREEZE, flag: UNREADABLE }),
    'unreadable',
    'not safe: the flag cannot be read, so nobody knows where requests go: no ratio in it',
    ['cutover status', 'cutover rollback --emergency'],
  ],
  [
    'drifted up',
    factsAt('canary', 0.1, { ...FAIL, ...drifted, freeze: FREEZE }),
    'drifted',
    'not safe: the flag says 40 %, the state 10 %',
    ['cutover rollback', 'cutover resume --flag'],
  ],
  [
    'drifted below the way back',
    factsAt('rolling', 0.5, { flag: { is: 'read', ratio: 0.01 }, backRatio: 0.1 }),
    'drifted',
    'not safe: the flag says 1 %, the state 50 %',
    ['cutover rollback --emergency', 'cutover resume --flag --force --reason "…"'],
  ],
  [
    'drifted down, and frozen: the freeze comes first',
    factsAt('canary', 0.1, { flag: { is: 'read', ratio: 0.01 }, freeze: FREEZE }),
    'drifted',
    'not safe: the flag says 1 %, the state 10 %',
    ['cutover rollback', 'cutover unfreeze'],
  ],
  [
    'a shift down that was killed: undoing it would raise the flag',
    factsAt('rolling', 0.5, {
      flag: { is: 'read', ratio: 0.25 },
      backRatio: 0.5,
      open: [operation({ flag: 'running' }, { kind: 'shift' })],
    }),
    'unfinished',
    'not safe: the shift op-1 (0 % → 10 %) is not finished; the flag says 25 %',
    ['cutover resume'],
  ],
  [
    'a writer that cannot be seen: nothing is begun meanwhile',
    factsAt('rollback', 0, {
      rivals: [
        unseenRival('the canary start op-1', 'op-1', { pid: 7, host: 'web-7', heartbeatAt: 0 }, 3_600_000),
      ],
    }),
    'idle',
    'not safe: the canary start op-1 (process 7 on web-7, which cannot be seen from here; last heartbeat 1970-01-01T00:00:00Z, counts until 1970-01-01T01:00:00Z) may still write the flag',
    ['cutover status', 'cutover lease --gone op-1 --reason "…"'],
  ],
  [
    'a write that is under way',
    factsAt('rollback', 0, { rivals: [underWay('the shift op-1')] }),
    'idle',
    'not safe: a write that the shift op-1 left under way may still write the flag',
    ['cutover status'],
  ],
  [
    'a flag that says almost 0 %',
    factsAt('idle', 0, { flag: { is: 'read', ratio: 1e-9 } }),
    'drifted',
    'not safe: the flag says less than 0.001 %, the state 0 %',
    ['cutover resume --flag'],
  ],
  [
    'a flag that says almost 100 %',
    factsAt('complete', 1, { flag: { is: 'read', ratio: 1 - 1e-9 } }),
    'drifted',
    'not safe: the flag says more than 99.999 %, the state 100 %',
    ['cutover rollback', 'cutover resume --flag --force --reason "…"'],
  ],
  [
    'drifted with nothing to roll back to',
    factsAt('idle', 0, drifted),
    'drifted',
    'not safe: the flag says 40 %, the state 0 %',
    ['cutover resume --flag'],
  ],
  [
    'the flag is gone',
    factsAt('idle', 0, { flag: { is: 'absent' } }),
    'drifted',
    'not safe: the flag is gone, the state says 0 %',
    ['cutover resume --flag'],
  ],
  [
    'DNS has drifted',
    factsAt('canary', 0.1, { dns }),
    'drifted',
    'not safe: dns[0]: llm. CNAME says target., not legacy.',
    ['cutover dns diff', 'cutover dns apply', 'cutover dns apply --keep'],
  ],
  [
    'DNS has drifted with nothing to roll back to',
    factsAt('idle', 0, { dns }),
    'drifted',
    'not safe: dns[0]: llm. CNAME says target., not legacy.',
    ['cutover dns diff', 'cutover dns apply', 'cutover dns apply --keep'],
  ],
  [
    'DNS cannot be read',
    factsAt('canary', 0.1, { ...PASS, dns: dnsDown }),
    'ready',
    'not safe: dns[0] cannot be read: timeout',
    ['cutover shift --next'],
  ],
  // frozen, failed
  [
    'frozen',
    factsAt('canary', 0.1, { ...PASS, freeze: FREEZE }),
    'frozen',
    'safe: the flag sends 10 % of requests to target; forward steps are frozen',
    ['cutover unfreeze'],
  ],
  [
    'failed, and rolled back',
    factsAt('idle', 0, { fail: run('FAIL') }),
    'failed',
    'safe: the flag sends every request to legacy; the canary failed at 10 %, and nobody has answered that',
    ['cutover canary status', 'cutover canary start --force --reason "…"'],
  ],
  [
    'failed, and frozen',
    factsAt('idle', 0, { fail: run('FAIL'), freeze: FREEZE }),
    'frozen',
    'safe: the flag sends every request to legacy; the canary failed at 10 %, and nobody has answered that; ' +
      'forward steps are frozen',
    ['cutover canary status', 'cutover unfreeze'],
  ],
  [
    'failed, with traffic on target',
    factsAt('canary', 0.1, FAIL),
    'failed',
    'not safe: the canary failed at 10 %, and 10 % of requests still go to target',
    ['cutover rollback', 'cutover canary status'],
  ],
  [
    'failed, frozen, with traffic on target',
    factsAt('canary', 0.1, { ...FAIL, freeze: FREEZE }),
    'frozen',
    'not safe: the canary failed at 10 %, and 10 % of requests still go to target',
    ['cutover rollback', 'cutover canary status'],
  ],
  [
    'failed higher up, one rung down, a PASS since',
    factsAt('rolling', 0.25, { ...PASS, fail: run('FAIL', { ratio: 0.5 }) }),
    'failed',
    'not safe: the canary failed at 50 %, and 25 % of requests still go to target',
    ['cutover rollback', 'cutover canary status'],
  ],
  [
    'failed after the end',
    factsAt('complete', 1, { fail: run('FAIL', { ratio: 1 }) }),
    'failed',
    'not safe: the canary failed at 100 %, and every request still goes to target',
    ['cutover rollback', 'cutover canary status'],
  ],
  [
    'failed with no checkpoint that leads back',
    factsAt('rolling', 0.5, { ...FAIL, state: stateAt('rolling', 0.5, { previous: null }) }),
    'failed',
    'not safe: the canary failed at 10 %, and 50 % of requests still go to target',
    ['cutover rollback --emergency', 'cutover canary status'],
  ],
  // on the way up
  [
    'no run in this stage yet',
    factsAt('canary', 0.1),
    'waiting for evidence',
    'safe: the flag sends 10 % of requests to target; waiting for evidence',
    ['cutover canary check'],
  ],
  [
    'no PASS yet',
    factsAt('rolling', 0.25, { run: run('INCONCLUSIVE') }),
    'waiting for evidence',
    'safe: the flag sends 25 % of requests to target; waiting for evidence',
    ['cutover canary check'],
  ],
  [
    'a PASS that is too old',
    factsAt('canary', 0.1, { run: run('PASS', { at: NOW - 31 * 60_000 }) }),
    'waiting for evidence',
    'safe: the flag sends 10 % of requests to target; waiting for evidence',
    ['cutover canary check'],
  ],
  [
    'a PASS of other settings',
    factsAt('canary', 0.1, { run: run('PASS', { sameSettings: false }) }),
    'waiting for evidence',
    'safe: the flag sends 10 % of requests to target; waiting for evidence',
    ['cutover canary check'],
  ],
  [
    'a PASS, and not baked',
    factsAt('canary', 0.1, {
      ...PASS,
      state: stateAt('canary', 0.1, { stage: { id: 3, ratio: 0.1, since: NOW - 60_000 } }),
    }),
    'waiting for bake',
    'safe: the flag sends 10 % of requests to target; waiting for the bake time',
    ['cutover canary check'],
  ],
  [
    'a PASS, and baked',
    factsAt('canary', 0.1, PASS),
    'ready',
    'safe: the flag sends 10 % of requests to target; ready for 25 %',
    ['cutover shift --next'],
  ],
  [
    'at the top of a ladder that ends early',
    factsAt('rolling', 0.5, { ...PASS, ladder: [0.1, 0.5] }),
    'ready',
    'safe: the flag sends 50 % of requests to target; ready for 100 %',
    ['cutover shift 100%'],
  ],
  [
    'complete',
    factsAt('complete', 1, PASS),
    'complete',
    'safe: the flag sends every request to target',
    ['cutover canary check'],
  ],
];

describe('the situation', () => {
  it.each(TABLE)('%s', (_name, facts, name, headline, commands) => {
    const situation = situationOf(facts);
    expect(situation.name).toBe(name);
    expect(situation.headline).toBe(headline);
    expect(situation.next.map(({ command }) => command)).toEqual(commands);
    expect(headline.startsWith('safe: ')).toBe(situation.unsafe === null);
    for (const { why } of situation.next) expect(why).not.toBe('');
  });

  it('recommends nothing that it refuses', () => {
    for (const [name, facts] of TABLE) expect(refusedAdvice(facts), name).toEqual([]);
  });
});

/** What `--force --reason "…"` opens. */
const FORCED = ['FAIL_UNANSWERED', 'FLAG_RAISES'];

/** The commands that are recommended, and would be refused when they are typed so. */
function refusedAdvice(facts: Facts): string[] {
  const { may, next, drift } = situationOf(facts);
  const advised = [...next.map(({ command }) => command), ...drift.map(({ mend }) => mend)];
  return advised.filter((command) => {
    const words = command.replace(/^cutover /, '').replace(/ --force --reason "…"$/, '');
    const refusal = may[words.replace(/ (--next|100%)$/, '') as Asking];
    return refusal && !(command.includes('--force') && FORCED.includes(refusal.code));
  });
}

/** All commands that change checkpoints. */
const checkpoints = (code: string) =>
  Object.fromEntries(
    ['create', 'pin', 'unpin', 'prune', 'import'].map((name) => [`checkpoint ${name}`, [code, 75]]),
  ) as Partial<Record<Asking, [string, number]>>;

/** Which commands are refused, and with what; all others may. */
const REFUSALS: [string, Facts, Partial<Record<Asking, [string, number]>>][] = [
  [
    'idle',
    factsAt('idle', 0),
    { shift: ['WRONG_STATUS', 64], rollback: ['NOT_ELIGIBLE', 64], 'resume --flag': ['NOT_DRIFTED', 64] },
  ],
  [
    'running',
    factsAt('canary', 0.1, { lease: leaseOf(telling, 'running'), open: [telling] }),
    {
      'canary start': ['LEASE_HELD', 75],
      shift: ['LEASE_HELD', 75],
      rollback: ['LEASE_HELD', 75],
      resume: ['LEASE_HELD', 75],
      'resume --flag': ['LEASE_HELD', 75],
      ...checkpoints('LEASE_HELD'),
    },
  ],
  [
    'unfinished, whatever else is the matter',
    factsAt('canary', 0.1, {
      ...FAIL,
      ...drifted,
      freeze: FREEZE,
      open: [operation({ flag: 'running' }, { kind: 'rollback' })],
    }),
    {
      'canary start': ['UNFINISHED', 75],
      'canary check': ['UNFINISHED', 75],
      'canary run': ['UNFINISHED', 75],
      'canary status': ['UNFINISHED', 75],
      shift: ['UNFINISHED', 75],
      'resume --flag': ['UNFINISHED', 75],
      ...checkpoints('UNFINISHED'),
    },
  ],
  [
    'a killed emergency: only resume',
    factsAt('rolling', 0.5, { open: [emergency] }),
    {
      'canary start': ['UNFINISHED', 75],
      'canary check': ['UNFINISHED', 75],
      'canary run': ['UNFINISHED', 75],
      'canary status': ['UNFINISHED', 75],
      shift: ['UNFINISHED', 75],
      rollback: ['UNFINISHED', 75],
      'resume --flag': ['UNFINISHED', 75],
      ...checkpoints('UNFINISHED'),
    },
  ],
  [
    'a forward step that was killed, and a freeze',
    factsAt('idle', 0, { freeze: FREEZE, open: [killed] }),
    {
      'canary start': ['UNFINISHED', 75],
      'canary check': ['UNFINISHED', 75],
      'canary run': ['UNFINISHED', 75],
      'canary status': ['UNFINISHED', 75],
      shift: ['UNFINISHED', 75],
      resume: ['FROZEN', 75],
      'resume --flag': ['UNFINISHED', 75],
      ...checkpoints('UNFINISHED'),
    },
  ],
  [
    'unreadable',
    factsAt('canary', 0.1, { ...PASS, flag: UNREADABLE }),
    {
      'canary start': ['FLAG_INVALID', 69],
      shift: ['FLAG_INVALID', 69],
      'resume --flag': ['FLAG_INVALID', 69],
    },
  ],
  [
    'drifted up',
    factsAt('canary', 0.1, { ...PASS, ...drifted }),
    { 'canary start': ['WRONG_STATUS', 64], shift: ['GATE', 2] },
  ],
  [
    'drifted down',
    factsAt('canary', 0.1, { ...PASS, flag: { is: 'read', ratio: 0 } }),
    { 'canary start': ['WRONG_STATUS', 64], shift: ['GATE', 2], 'resume --flag': ['FLAG_RAISES', 64] },
  ],
  [
    'drifted below the way back',
    factsAt('rolling', 0.5, { ...PASS, flag: { is: 'read', ratio: 0.01 }, backRatio: 0.1 }),
    {
      'canary start': ['WRONG_STATUS', 64],
      shift: ['GATE', 2],
      rollback: ['ROLLBACK_RAISES', 64],
      'resume --flag': ['FLAG_RAISES', 64],
    },
  ],
  [
    'drifted down, and frozen',
    factsAt('canary', 0.1, { ...PASS, flag: { is: 'read', ratio: 0 }, freeze: FREEZE }),
    { 'canary start': ['WRONG_STATUS', 64], shift: ['FROZEN', 75], 'resume --flag': ['FROZEN', 75] },
  ],
  [
    'frozen',
    factsAt('idle', 0, { fail: run('FAIL'), freeze: FREEZE }),
    {
      'canary start': ['FROZEN', 75],
      shift: ['WRONG_STATUS', 64],
      rollback: ['NOT_ELIGIBLE', 64],
      'resume --flag': ['NOT_DRIFTED', 64],
    },
  ],
  [
    'failed, and rolled back',
    factsAt('idle', 0, { fail: run('FAIL') }),
    {
      'canary start': ['FAIL_UNANSWERED', 2],
      shift: ['WRONG_STATUS', 64],
      rollback: ['NOT_ELIGIBLE', 64],
      'resume --flag': ['NOT_DRIFTED', 64],
    },
  ],
  [
    'failed, with traffic on target',
    factsAt('canary', 0.1, FAIL),
    {
      'canary start': ['WRONG_STATUS', 64],
      shift: ['FAIL_UNANSWERED', 2],
      'resume --flag': ['NOT_DRIFTED', 64],
    },
  ],
  [
    'waiting for evidence',
    factsAt('canary', 0.1),
    { 'canary start': ['WRONG_STATUS', 64], shift: ['GATE', 3], 'resume --flag': ['NOT_DRIFTED', 64] },
  ],
  [
    'ready',
    factsAt('canary', 0.1, PASS),
    { 'canary start': ['WRONG_STATUS', 64], 'resume --flag': ['NOT_DRIFTED', 64] },
  ],
  [
    'complete',
    factsAt('complete', 1),
    {
      'canary start': ['WRONG_STATUS', 64],
      shift: ['WRONG_STATUS', 64],
      'resume --flag': ['NOT_DRIFTED', 64],
    },
  ],
];

describe('what each command may do', () => {
  it.each(REFUSALS)('%s', (_name, facts, refusals) => {
    const { may } = situationOf(facts);
    const refused = Object.entries(may).flatMap(([asking, error]) =>
      error ? [[asking, [error.code, error.exitCode]]] : [],
    );
    expect(Object.fromEntries(refused)).toEqual(refusals);
    for (const error of Object.values(may)) if (error) expect(error.hint ?? error.code).toBeTruthy();
  });
});

describe('the word safe', () => {
  const statuses = fc.constantFrom<Status>('idle', 'canary', 'rolling', 'complete', 'rollback');
  const ratios = fc.constantFrom(0, 0.1, 0.4, 1);
  const maybe = <T>(value: T) => fc.constantFrom<T | null>(null, value);
  const flags = fc.oneof(
    ratios.map((ratio): Facts['flag'] => ({ is: 'read', ratio })),
    fc.constantFrom<Facts['flag']>({ is: 'absent' }, UNREADABLE, { is: 'not asked' }),
  );
  const worlds = fc.record({
    status: statuses,
    ratio: ratios,
    flag: flags,
    dns: fc.constantFrom<Facts['dns']>({ readings: [], drift: [] }, dns, dnsDown),
    open: fc.constantFrom<OperationRecord[]>([], [killed], [telling], [untold], [dnsLeft], [emergency]),
    holder: fc.constantFrom('running', 'gone', 'unknown', null),
    freeze: maybe(FREEZE),
    fail: maybe(run('FAIL')),
    pass: fc.boolean(),
    changedAt: fc.constantFrom(null, 1),
    backRatio: fc.constantFrom(null, 0, 0.1, 0.4),
    betweenRungs: fc.constantFrom(
      null,
      betweenRungs('running'),
      betweenRungs('gone'),
      betweenRungs('unknown'),
    ),
  });

  it('is said of no world in which it might not be so', () => {
    fc.assert(
      fc.property(worlds, ({ status, ratio, open, holder, pass, changedAt, ...known }) => {
        const held = open[0];
        const lease = held && holder ? leaseOf(held, holder) : null;
        const state = stateAt(status, ratio, { changedAt });
        const situation = situationOf(
          factsAt(status, ratio, { ...known, state, open, lease, run: pass ? run('PASS') : null }),
        );
        const { flag } = known;
        const flagSays =
          flag.is === 'read' ? flag.ratio : flag.is === 'absent' && changedAt === null ? 0 : null;
        const mayMove = open.length > 0 && (open[0] !== untold || (lease && holder !== 'gone'));
        const safe =
          flagSays === ratio &&
          known.dns !== dns &&
          known.dns !== dnsDown &&
          !mayMove &&
          !(known.fail && ratio > 0);
        expect(situation.unsafe === null).toBe(safe);
        expect(situation.headline.startsWith('safe: ')).toBe(safe);
      }),
      { numRuns: 1500 },
    );
  });

  it('goes with no advice that would be refused, in any world', () => {
    fc.assert(
      fc.property(worlds, ({ status, ratio, open, holder, pass, changedAt, ...known }) => {
        const onLegacy = status === 'idle' || status === 'rollback';
        fc.pre(onLegacy ? ratio === 0 : status === 'complete' ? ratio === 1 : ratio > 0 && ratio < 1);
        const lease = open[0] && holder ? leaseOf(open[0], holder) : null;
        const state = stateAt(status, ratio, { changedAt });
        const more = { state, open, lease, run: pass ? run('PASS') : null };
        expect(refusedAdvice(factsAt(status, ratio, { ...known, ...more }))).toEqual([]);
      }),
      { numRuns: 2500 },
    );
  });

  it('goes with a next command in every world, and running and unfinished are told first', () => {
    fc.assert(
      fc.property(worlds, ({ status, ratio, open, holder, pass, changedAt, ...known }) => {
        const held = open[0];
        const lease = held && holder ? leaseOf(held, holder) : null;
        const state = stateAt(status, ratio, { changedAt });
        const { name, next, may } = situationOf(
          factsAt(status, ratio, { ...known, state, open, lease, run: pass ? run('PASS') : null }),
        );
        expect(next.length).toBeGreaterThan(0);
        const runs = lease !== null && holder !== 'gone';
        const half = !runs && held !== undefined && held !== untold;
        expect([name === 'running', name === 'unfinished']).toEqual([runs, half]);
        for (const asking of ['canary start', 'shift', 'checkpoint create'] as const) {
          if (runs) expect(may[asking]?.code).toBe('LEASE_HELD');
          if (half) expect(may[asking]?.code).toBe('UNFINISHED');
        }
        // Judging goes on while an operation runs.
        expect(may['canary check']?.code).toBe(half ? 'UNFINISHED' : undefined);
        if (known.fail && !known.freeze && !runs && !half && known.flag.is === 'read')
          expect(['FAIL_UNANSWERED', 'WRONG_STATUS']).toContain(may['canary start']?.code);
      }),
      { numRuns: 1500 },
    );
  });
});
