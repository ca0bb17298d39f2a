import type { Action, History, Op } from './history.ts';

/** Histories that went wrong once, or that chance seldom makes. Each is played in every run. */

const act = (op: Op, change: Partial<Action> = {}): Action => ({
  op,
  host: 0,
  user: 'root',
  umask: '022',
  gap: null,
  fate: null,
  lasts: 1,
  ...change,
});

const history = (change: Partial<History>): History => ({
  store: { driver: 'file', naive: false, delayMs: 0 },
  flagOfNobody: false,
  openState: false,
  sameName: false,
  skew: 0,
  gateway: null,
  hookMs: 0,
  before: [act('canary start')],
  emergency: act('emergency'),
  after: [],
  ...change,
});

const statuses = (count: number) => Array.from({ length: count }, () => act('status', { gap: 0 }));
const pauses = (count: number) => Array.from({ length: count }, () => act('status', { gap: 500 }));

export const KNOWN: Record<string, History> = {
  'a flag file of another user, and a strict umask': history({
    flagOfNobody: true,
    emergency: act('emergency', { umask: '077' }),
  }),
  'a store that takes long and keeps no tokens': history({
    store: { driver: 'exec', naive: true, delayMs: 1500 },
    before: [act('canary start', { gap: 600 })],
  }),
  'the same over HTTP, from another host': history({
    store: { driver: 'webhook', naive: true, delayMs: 1500 },
    before: [act('canary start', { gap: 600 })],
    emergency: act('emergency', { host: 1 }),
  }),
  'a gradual rollback under way': history({
    before: [act('canary start at 50 %'), act('rollback --over', { gap: 700 })],
  }),
  'a gradual rollback of a store that keeps no tokens': history({
    store: { driver: 'exec', naive: true, delayMs: 200 },
    before: [act('canary start at 50 %'), act('rollback --over', { gap: 700 })],
  }),
  'two hosts of one name': history({
    sameName: true,
    hookMs: 700,
    before: [act('canary start'), act('shift 25%', { gap: 500 }), act('resume', { host: 1 })],
  }),
  'a host whose clock is ahead': history({
    skew: 600,
    hookMs: 700,
    before: [act('canary start'), act('shift 25%', { gap: 500 }), act('resume', { host: 1 })],
  }),
  'many commands find an emergency beside the database': history({
    before: [act('canary start'), act('somebody locks the database', { lasts: 1 })],
    after: [act('legacy is well'), ...statuses(6)],
  }),
  'legacy fails before anybody has begun': history({
    gateway: 'root',
    before: [act('status'), act('legacy fails'), ...pauses(4)],
  }),
  'legacy fails after an emergency': history({ gateway: 'root', after: [act('legacy fails'), ...pauses(8)] }),
  'legacy hangs during an emergency': history({
    gateway: 'nobody',
    before: [act('canary start'), act('legacy hangs'), act('status', { gap: 600 })],
    after: pauses(3),
  }),
  'a shift that stood still before its flag write': history({
    before: [
      act('canary start'),
      act('shift 25%', { fate: { signal: 'SIGSTOP', at: 24, unit: 'effect' }, lasts: 2 }),
    ],
  }),
};
