import fc from 'fast-check';

/** What happens in a world, as plain values: a seed makes one, fast-check makes it smaller. */

export interface History {
  store: StoreKind;
  /** The flag file lies in a folder of its own, belongs to another user and lets only its group read (mode 640). */
  flagOfNobody: boolean;
  /** The state folder lets everybody in; else it is as the first command makes it. */
  openState: boolean;
  /** Whether the second host has the first one's name. */
  sameName: boolean;
  /** How far the second host's clock is ahead, in seconds. */
  skew: number;
  /** Whether a gateway carries traffic, and as whom. */
  gateway: 'root' | 'nobody' | null;
  /** How long a notify hook takes, in milliseconds. */
  hookMs: number;
  before: Action[];
  emergency: Action;
  after: Action[];
}

export interface StoreKind {
  driver: 'file' | 'exec' | 'webhook';
  /** Takes a write with a smaller token than it holds. */
  naive: boolean;
  /** How long a forward write takes, in milliseconds. */
  delayMs: number;
}

export interface Action {
  op: Op;
  host: 0 | 1;
  user: 'root' | 'nobody';
  umask: '022' | '027' | '077';
  /** Milliseconds until the next action begins; null: when this one has ended or stands still. */
  gap: number | null;
  fate: Fate | null;
  /** How many further actions a pause lasts. */
  lasts: number;
}

/** A signal that comes after so many milliseconds, or at the command's own n-th effect on the world. */
export interface Fate {
  signal: 'SIGSTOP' | 'SIGKILL';
  at: number;
  unit: 'ms' | 'effect';
}

export type Op = keyof typeof COMMANDS | keyof typeof DEEDS;

const FORCE = ['--yes', '--force', '--reason', 'history'];

/** The commands. Those that may send more traffic to target are forward. */
export const COMMANDS = {
  'canary start': { args: ['canary', 'start', ...FORCE], forward: true },
  'canary start, waiting': { args: ['canary', 'start', '--wait', '3s', ...FORCE], forward: true },
  'canary start at 50 %': { args: ['canary', 'start', '--ratio', '50%', ...FORCE], forward: true },
  'shift --next': { args: ['shift', '--next', ...FORCE], forward: true },
  'shift 25%': { args: ['shift', '25%', '--wait', '2s', ...FORCE], forward: true },
  'shift 5%': { args: ['shift', '5%', ...FORCE], forward: true },
  'shift 100%': { args: ['shift', '100%', '--confirm', 'chat-prod', ...FORCE], forward: true },
  rollback: { args: ['rollback', '--yes', '--anyway', '--confirm', 'chat-prod'], forward: false },
  'rollback --over': {
    args: ['rollback', '--over', '2s', '--yes', '--anyway', '--confirm', 'chat-prod'],
    forward: false,
  },
  emergency: { args: ['rollback', '--emergency'], forward: false },
  resume: { args: ['resume'], forward: false },
  freeze: { args: ['freeze', '--reason', 'history', '--for', '1h'], forward: false },
  unfreeze: { args: ['unfreeze'], forward: false },
  'canary check': { args: ['canary', 'check', '--pairs', '2', '--auto-rollback'], forward: false },
  status: { args: ['status', '--json'], forward: false },
} as const;

/** What people and providers do. */
const DEEDS = {
  'a hand sets 50 %': true,
  'a hand deletes the flag': true,
  'somebody locks the database': true,
  'the gateway starts again': true,
  'legacy fails': true,
  'legacy hangs': true,
  'legacy is well': true,
} as const;

export const isCommand = (op: Op): op is keyof typeof COMMANDS => op in COMMANDS;

const weighted = <T>(table: [number, T][]) =>
  fc.oneof(...table.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })));

const fate = fc.oneof(
  { weight: 7, arbitrary: fc.constant(null) },
  {
    weight: 2,
    arbitrary: fc.record({
      signal: fc.constantFrom('SIGSTOP' as const, 'SIGKILL' as const),
      at: fc.integer({ min: 1, max: 70 }),
      unit: fc.constant('effect' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      signal: fc.constantFrom('SIGSTOP' as const, 'SIGKILL' as const),
      at: fc.integer({ min: 40, max: 300 }),
      unit: fc.constant('ms' as const),
    }),
  },
);

function action(op: fc.Arbitrary<Op>): fc.Arbitrary<Action> {
  return fc.record({
    op,
    host: weighted<0 | 1>([
      [2, 0],
      [1, 1],
    ]),
    user: weighted<'root' | 'nobody'>([
      [3, 'root'],
      [1, 'nobody'],
    ]),
    umask: fc.constantFrom('022' as const, '027' as const, '077' as const),
    gap: fc.oneof(
      { weight: 3, arbitrary: fc.constant(null) },
      { weight: 2, arbitrary: fc.integer({ min: 0, max: 500 }) },
    ),
    fate,
    lasts: fc.integer({ min: 1, max: 3 }),
  });
}

const anyOp = weighted<Op>([
  [4, 'canary start'],
  [1, 'canary start, waiting'],
  [1, 'canary start at 50 %'],
  [4, 'shift --next'],
  [3, 'shift 25%'],
  [1, 'shift 5%'],
  [1, 'shift 100%'],
  [3, 'rollback'],
  [3, 'rollback --over'],
  [2, 'emergency'],
  [3, 'resume'],
  [1, 'freeze'],
  [1, 'unfreeze'],
  [1, 'canary check'],
  [3, 'status'],
  [1, 'a hand sets 50 %'],
  [1, 'a hand deletes the flag'],
  [1, 'somebody locks the database'],
  [1, 'the gateway starts again'],
  [1, 'legacy fails'],
  [1, 'legacy hangs'],
  [1, 'legacy is well'],
]);

const store: fc.Arbitrary<StoreKind> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ driver: 'file' as const, naive: false, delayMs: 0 }) },
  {
    weight: 4,
    arbitrary: fc.record({
      driver: fc.constantFrom('exec' as const, 'webhook' as const),
      naive: fc.boolean(),
      delayMs: fc.constantFrom(0, 200, 1500),
    }),
  },
);

/** Nearly every history begins with a canary, as before it there is nothing that an emergency could stop. */
const begun: fc.Arbitrary<Action[]> = weighted([
  [2, 'root' as const],
  [1, 'nobody' as const],
]).map((user) => [{ op: 'canary start', host: 0, user, umask: '022', gap: null, fate: null, lasts: 1 }]);

const before = fc
  .tuple(
    fc.oneof({ weight: 4, arbitrary: begun }, { weight: 1, arbitrary: fc.constant<Action[]>([]) }),
    fc.array(action(anyOp), { maxLength: 6 }),
  )
  .map(([first, rest]) => [...first, ...rest]);

const anyHistory: fc.Arbitrary<History> = fc.record({
  store,
  flagOfNobody: fc.boolean(),
  openState: fc.boolean(),
  sameName: fc.boolean(),
  skew: fc.constantFrom(0, 600, -600),
  gateway: weighted<'root' | 'nobody' | null>([
    [2, null],
    [1, 'root'],
    [1, 'nobody'],
  ]),
  hookMs: fc.constantFrom(0, 100, 700),
  before,
  emergency: action(fc.constant<Op>('emergency')).map((each) => ({ ...each, gap: null })),
  after: fc.array(action(anyOp), { maxLength: 4 }),
});

/**
 * A store that keeps no tokens takes what a killed command's script or request still brings, and nobody can see that
 * coming: the documentation tells stores to compare. Here they are spared what no command could know of.
 */
function fair(history: History): History {
  if (!history.store.naive) return history;
  const spare = (action: Action): Action => ({
    ...action,
    user: 'root',
    op: action.op === 'somebody locks the database' ? 'status' : action.op,
    fate: action.op !== 'emergency' && action.fate?.signal === 'SIGKILL' ? null : action.fate,
  });
  return {
    ...history,
    before: history.before.map(spare),
    emergency: spare(history.emergency),
    after: history.after.map(spare),
  };
}

export const histories = anyHistory.map(fair);

/** The history that a seed makes; `fc.check` begins with the same one. */
export function historyOf(seed: number): History {
  const [history] = fc.sample(histories, { seed, numRuns: 1 });
  if (!history) throw new Error(`seed ${seed} makes no history`);
  return history;
}

/** A history for people, a line for each action. */
export function describeHistory(history: History): string {
  const { store: kind } = history;
  const world = [
    `flag ${kind.driver}${kind.naive ? ', keeps no tokens' : ''}${kind.delayMs ? `, forward writes take ${kind.delayMs} ms` : ''}`,
    history.flagOfNobody && kind.driver === 'file' ? 'flag file nobody:nogroup 640' : '',
    history.openState ? 'state folder open to all' : '',
    `host B ${history.sameName ? 'has the name of A' : 'has its own name'}, clock ${history.skew >= 0 ? '+' : ''}${history.skew} s`,
    history.gateway && kind.driver === 'file' ? `gateway as ${history.gateway}` : '',
    history.hookMs ? `notify takes ${history.hookMs} ms` : '',
  ].filter((each) => each !== '');
  const actions = [...history.before, history.emergency, ...history.after];
  return [world.join('; '), ...actions.map((each, index) => `${index}: ${describeAction(each)}`)].join('\n');
}

export function describeAction({ op, host, user, umask, gap, fate, lasts }: Action): string {
  if (!isCommand(op)) return op;
  const pause = fate?.signal === 'SIGSTOP' ? ` for ${lasts}` : '';
  const what = fate ? `  ${fate.signal} at ${fate.unit} ${fate.at}${pause}` : '';
  return `${host === 0 ? 'A' : 'B'} ${user} ${umask}  ${op}${what}${gap === null ? '' : `  (next after ${gap} ms)`}`;
}
