import { CutoverError, EXIT } from '../errors.ts';
import {
  type Plan,
  type PlannedDrivers,
  type PlannedHook,
  type PlannedStep,
  stepsFor,
} from '../operation/plan.ts';
import { blocksForward, type OperationRecord } from '../operation/record.ts';
import { freezeGate, gateRefusal } from '../shift/gates.ts';
import type { Freeze } from '../store/freeze.ts';
import type { DnsReading, DnsRecordSet, Side, World } from '../world.ts';
import { dnsBack, goneSilent } from './dns-steps.ts';
import { isNewer, type RecordView } from './dns-view.ts';
import { isOf, type Ledger, type PlannedMove, sameRecord } from './moved.ts';
import { leadsTo, otherSide } from './sides.ts';
import { isSilent, nameOf } from './silent.ts';

/** What `dns apply` is planned by. */
export interface DnsApplyInput {
  world: World;
  previous: number | null;
  /** Operations that were not finished, oldest first. */
  open: readonly OperationRecord[];
  /** The operation that began last, or null. */
  last: string | null;
  drivers: PlannedDrivers;
  ledger: Ledger;
  views: readonly RecordView[];
  /** A checkpoint whose records are wanted, whatever was moved. */
  checkpoint: { id: number; dns: readonly DnsReading[]; activeProvider: Side } | null;
  /** What the records say now is what they should say from now on: nothing is written. */
  keep: boolean;
  freeze: Freeze | null;
  reason: string;
}

/**
 * The plan of `dns apply`: the records that are not what they should be, from what they say to that. No traffic moves.
 * It takes the place of operations of which nothing but DNS is left to do.
 * @returns null when there is nothing to do
 * @throws CutoverError DNS_AGAINST_TRAFFIC (64) for a checkpoint of the other provider, UNFINISHED (75) while a flag waits for `resume`, FROZEN (75) where it would lead to target
 */
export function planDnsApply(input: DnsApplyInput): Plan | null {
  const { world, open, drivers, keep, freeze, checkpoint } = input;
  const half = open.find((one) => blocksForward(one) && one.steps.some(isUndoneFlag));
  if (half) throw flagFirst(half);
  if (checkpoint && checkpoint.activeProvider !== world.activeProvider) throw against(checkpoint, world);
  const mending = (keep ? keepSteps(input) : writeSteps(input)).filter(isOfUse);
  const steps = [...guarded(input, mending), ...silentSteps(input)];
  if (steps.length === 0) return null;
  const frozen = !keep && world.activeProvider === 'target' && freeze;
  const refusal = frozen ? gateRefusal([freezeGate(frozen)], world.ratio) : null;
  if (refusal) throw refusal;
  const { status, ratio, activeProvider } = world;
  const same = { status, ratio, activeProvider };
  return {
    // Not a way back: nobody's incident begins with it.
    kind: 'shift',
    from: same,
    to: same,
    reason: input.reason || DEFAULT_REASON[keep ? 'keep' : checkpoint ? 'checkpoint' : 'mend'],
    forced: false,
    gates: [],
    steps: stepsFor(drivers, steps).filter(({ kind }) => kind !== 'flag'),
    previous: input.previous,
    restores: null,
    dns: [],
    after: input.last,
    supersedes: open.map(({ id }) => id),
    evidence: null,
    mends: 'dns',
  };
}

const DEFAULT_REASON = {
  mend: 'DNS records are made to say what they should; no traffic moves',
  checkpoint: 'DNS records are made to say what they did for a checkpoint; no traffic moves',
  keep: 'DNS records are kept as they are; no traffic moves',
};

const isUndoneFlag = ({ kind, outcome }: OperationRecord['steps'][number]) =>
  kind === 'flag' && outcome !== 'done';

const isOfUse = ({ restore, byHand }: PlannedStep) => byHand === true || (restore?.length ?? 0) > 0;

/**
 * Where a killed step may still write, what is right now may not stay so: what it writes then is put back, too.
 * @param planned the steps that are planned besides
 */
function guarded(
  { drivers, open, views, ledger }: DnsApplyInput,
  planned: readonly PlannedStep[],
): PlannedStep[] {
  const writing = open.flatMap(({ plan, steps }) =>
    steps.flatMap(({ kind, outcome, position }) =>
      kind === 'dns' && outcome === 'running' ? (plan.steps[position]?.server ?? []) : [],
    ),
  );
  const mayCome = (server: string, set: DnsRecordSet): DnsRecordSet[] => {
    const known = ledger.records.find((record) => record.server === server && isOf(record)(set));
    return known?.moved ? [known.moved.wrote, ...known.moved.or] : [];
  };
  const steps = [...planned];
  for (const server of new Set(writing)) {
    const said = views.flatMap((view) => (view.server === server && view.says ? [view.says] : []));
    const stays = said.map((set): PlannedMove => ({ from: set, to: set, or: mayCome(server, set) }));
    const at = steps.findIndex((one) => one.server === server);
    const step = steps[at];
    if (!step) {
      const { servers } = ledger;
      const back = { moves: new Map([[server, stays]]), unknown: new Set<string>(), handed: [], servers };
      steps.push(...dnsBack(drivers.dns, back).filter((one) => one.server === server && isOfUse(one)));
      continue;
    }
    const moved = (step.restore ?? []).map((move) => ({
      ...move,
      or: [...(move.or ?? []), ...mayCome(server, move.to)],
    }));
    const rest = stays.filter(({ to }) => !moved.some((move) => isOf(to)(move.to)));
    steps[at] = { ...step, restore: [...moved, ...rest] };
  }
  return steps;
}

/** What is not as it should be is written; what was not read, by what our own steps left there. */
function writeSteps({ drivers, ledger, views, checkpoint, world }: DnsApplyInput): PlannedStep[] {
  const moves = new Map<string, PlannedMove[]>();
  const add = (server: string, move: PlannedMove) => moves.set(server, [...(moves.get(server) ?? []), move]);
  if (checkpoint) {
    for (const { server, label, records } of checkpoint.dns) {
      for (const to of records ?? []) {
        const view = views.find(
          (one) => (server ? one.server === server : one.label === label) && isOf(to)(one),
        );
        if (view?.says && sameRecord(view.says, to)) continue;
        add(view?.server ?? server ?? label, { from: view?.says ?? view?.should ?? to, to });
      }
    }
  } else {
    for (const { server, says, should, ok } of views) {
      if (ok === false && says && should) add(server, { from: says, to: should });
    }
    const unread = views.filter(({ says }) => says === null);
    if (world.activeProvider === 'legacy') {
      for (const record of ledger.records) {
        const { moved, server } = record;
        if (!moved?.left || !unread.some((one) => one.server === server && isOf(record)(one))) continue;
        add(server, { from: moved.wrote, to: moved.found, ...(moved.or.length > 0 ? { or: moved.or } : {}) });
      }
    }
  }
  return dnsBack(drivers.dns, { moves, unknown: new Set(), handed: [], servers: ledger.servers });
}

/**
 * The DNS steps of an operation that have failed. One that puts back, or goes on with what an earlier run of it began,
 * may wait for a word on records that somebody else has changed, also where they are right as they are.
 */
function unsettledSteps({ plan, steps }: OperationRecord) {
  return steps
    .filter(({ kind, outcome }) => kind === 'dns' && outcome === 'failed')
    .map(({ position, driver, before, after }) => {
      const { server, restore, lowerTtl } = plan.steps[position] ?? {};
      const wentOn = before !== null && after !== null && lowerTtl === undefined;
      return { driver, server, waits: server !== undefined && (restore !== undefined || wentOn) };
    });
}

/**
 * The hooks that cannot be read whose step of an unfinished operation is not known to be over. This takes its place, so
 * they are told once more, or somebody has seen to them.
 */
function silentSteps({ drivers, open, keep, ledger, world }: DnsApplyInput): PlannedStep[] {
  const left = open.flatMap(({ plan, steps }) =>
    steps.flatMap(({ kind, outcome, position }) => {
      const step = plan.steps[position];
      return kind === 'dns' && outcome !== 'done' && step?.server === undefined && step ? [step] : [];
    }),
  );
  const each = left.filter((step, i) => !left.slice(i + 1).some(isSilent(step)));
  return each.flatMap(({ driver, timeoutMs, ...was }): PlannedStep[] => {
    const hook = drivers.dns.find((one) => one.server === undefined && isSilent(was)(one));
    // Of one that has left the config somebody says that it is seen to, with all those.
    if (!hook && keep && world.activeProvider === 'legacy' && ledger.handed.some(isSilent(was))) return [];
    const limit = hook?.timeoutMs ?? timeoutMs;
    const { label, receiver = was.receiver } = hook ?? { label: nameOf(was) };
    const step: PlannedStep = {
      ...{ kind: 'dns', driver, label },
      ...(receiver === undefined ? {} : { receiver }),
      ...(limit === undefined ? {} : { timeoutMs: limit }),
    };
    return [keep ? { ...step, byHand: true } : step];
  });
}

/** What is right, as what the config has is newer than what our steps left there, is to be known as ours, too. */
const isOurs = (view: RecordView) => view.ok !== false && !isNewer(view);

/** What each record says is taken for what it should say; of what cannot be asked any more, a person says so. */
function keepSteps({ drivers, ledger, views, world, open }: DnsApplyInput): PlannedStep[] {
  const unsettled = open.flatMap(unsettledSteps);
  // A way back that is not finished may wait for a word on what is right, but leads to the other provider.
  const astray = (set: DnsRecordSet, sides: PlannedHook['sides']) =>
    unsettled.length > 0 && sides !== undefined && leadsTo(otherSide(world.activeProvider), set, sides);
  const kept = drivers.dns.flatMap(({ kind, driver, label, server, sides }): PlannedStep[] => {
    const waits = unsettled.some((step) => step.waits && step.server === server);
    const sets = views.flatMap((view) =>
      view.label === label && view.says && (!isOurs(view) || waits || astray(view.says, sides))
        ? [view.says]
        : [],
    );
    if (server === undefined || sets.length === 0) return [];
    return [{ kind, driver, label, server, restore: sets.map((set) => ({ from: set, to: set })) }];
  });
  // Of a record that no hook names any more nobody here can tell what it says.
  const unnamed = views.filter(({ label, server }) => label === server);
  const gone = new Map<string, DnsRecordSet[]>();
  for (const record of ledger.records) {
    const { server, moved } = record;
    if (!moved?.left || !unnamed.some((one) => one.server === server && isOf(record)(one))) continue;
    gone.set(server, [...(gone.get(server) ?? []), moved.found]);
  }
  // Nor of one that was not come to, where the config has no hook any more.
  for (const { server } of unsettled) {
    if (server && !gone.has(server) && !drivers.dns.some((hook) => hook.server === server))
      gone.set(server, []);
  }
  const handed = ledger.handed.filter(
    (one) => world.activeProvider === 'legacy' && !drivers.dns.some(isSilent(one)),
  );
  return [
    ...kept,
    ...[...gone].map(
      ([server, sets]): PlannedStep => ({
        kind: 'dns',
        driver:
          ledger.servers.get(server)?.driver ?? unsettled.find((one) => one.server === server)?.driver ?? '',
        label: server,
        server,
        restore: sets.map((set) => ({ from: set, to: set })),
        byHand: true,
      }),
    ),
    ...handed.map((one): PlannedStep => ({ ...goneSilent(one), byHand: true })),
  ];
}

/** Records that lead to the other provider are traffic: they move with the flag, and go back with it. */
function against({ id, activeProvider }: { id: number; activeProvider: Side }, world: World): CutoverError {
  return new CutoverError(
    'DNS_AGAINST_TRAFFIC',
    EXIT.usage,
    `the records of checkpoint ${id} lead to ${activeProvider}, and the active provider is ${world.activeProvider}`,
    { hint: `to go there with the traffic: \`cutover rollback --to ${id}\`, or a shift` },
  );
}

function flagFirst({ id }: OperationRecord): CutoverError {
  return new CutoverError('UNFINISHED', EXIT.notNow, `${id} is not finished, and its flag is not set`, {
    hint: '`cutover resume` or `cutover rollback` first: traffic goes before records',
  });
}
