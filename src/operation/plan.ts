import { isDeepStrictEqual } from 'node:util';
import type { EventKind } from '../hooks/hook.ts';
import type { KeptLonger } from '../rollback/kept-longer.ts';
import type { PlannedMove } from '../rollback/moved.ts';
import type { DnsReading, DnsRecordSet, OperationKind, Side, World } from '../world.ts';

/** The words of the plan: what a change of the world is before it happens. Pure values, no effects. */

export type StepKind = 'flag' | 'dns' | 'notify';

/** A condition that a forward step has to meet, and whether it does. */
export interface Gate {
  name: 'verdict' | 'bake' | 'drift' | 'freeze' | 'fail' | 'readiness';
  ok: boolean;
  detail: string;
}

/** Which driver of the config a step runs, found again by its label after a crash. */
export interface PlannedStep {
  kind: StepKind;
  driver: string;
  label: string;
  /** Of a DNS hook that can read: which server and zone it is, wherever it stands in the config. */
  server?: string;
  /** Of a DNS hook that cannot be read: whom it calls, wherever it stands in the config. */
  receiver?: string;
  /** Of a DNS hook: how long one try of it may take, in milliseconds. */
  timeoutMs?: number;
  /** What it puts back of what our own steps have moved; empty: it looks, and writes nothing. */
  restore?: PlannedMove[];
  /** Nothing is done: a person says that somebody has seen to it, and that `restore` is what its records say. */
  byHand?: true;
  /** What it makes the records say by the config, whatever they say now. */
  wants?: DnsRecordSet[];
  /** With `wants`, on a way to legacy: what the config has for target. */
  leaves?: DnsRecordSet[];
  /** Of a move: what resolvers may keep for longer than the TTL says that it has now. */
  keptLonger?: KeptLonger[];
  /** Of a DNS step ahead of the move: it only sees to it that no TTL is longer than this, in seconds. */
  lowerTtl?: number | undefined;
}

/** One change of the world, decided but not begun. `--dry-run` prints this very value. */
export interface Plan {
  kind: OperationKind;
  /** An emergency is planned before the state is read: there `from` is what the flag says. */
  from: World;
  to: World;
  reason: string;
  /** True when gates were overridden. */
  forced: boolean;
  gates: Gate[];
  /** In the order they run. */
  steps: PlannedStep[];
  /** Where `rollback` leads after this: the checkpoint this change makes, one that exists, or nowhere. */
  previous: 'own checkpoint' | number | null;
  /** The checkpoint being restored, for a rollback. */
  restores: number | null;
  /** Of a rung of a gradual rollback but the last: where the row leads. */
  leadsTo?: World;
  /** What the servers of DNS hooks said when this was shown; empty where it was not. */
  dns: DnsReading[];
  /** Records that somebody else has changed are overwritten with what is to be put back. */
  overwriteDns?: true;
  /**
   * The operation that had begun last when this was decided, or null. One that has begun since, an emergency say, is
   * news to whoever decided.
   */
  after?: string | null;
  /** Unfinished operations that this plan puts an end to. */
  supersedes: string[];
  /** What was known when it was decided: the verdict, and the like. */
  evidence: unknown;
  /** The ratio that the flag said when this was planned, where it was read; null when there was no flag. */
  found?: number | null;
  /**
   * The fencing token that the flag held when this was decided: the operation begins above it, also where the database
   * knows less, as a copy from earlier does.
   */
  foundToken?: number;
  /** The canary run whose FAIL a person overrides with this: from then on it counts as answered. */
  answers?: string;
  /** What is worth knowing before it is agreed to. */
  notes?: string[];
  /** Set by `resume --flag` and `dns apply`: the state says `to` already, and only flag or DNS are brought there. */
  mends?: 'flag' | 'dns';
}

/** The drivers of a config as the planner sees them. */
export interface PlannedDrivers {
  flag: PlannedStep;
  /** Further flags that traffic may follow, which a way back sets besides. */
  otherFlags?: PlannedStep[];
  dns: PlannedHook[];
  notify: PlannedStep[];
}

/** A DNS hook as the planner sees it; of one that can read, its server and what the config has for each side. */
export interface PlannedHook
  extends Pick<PlannedStep, 'kind' | 'driver' | 'label' | 'server' | 'receiver' | 'timeoutMs' | 'lowerTtl'> {
  sides?: Record<Side, DnsRecordSet[]>;
}

/** What an operation is called: by the command that began it. */
export function commandOf({ kind, mends }: Pick<Plan, 'kind' | 'mends'>): string {
  if (mends === undefined) return kind;
  return mends === 'flag' ? 'resume --flag' : 'dns apply';
}

/** What an operation is told as: one that mends the flag is the way that it leads. */
export function toldAs({ kind, mends }: Pick<Plan, 'kind' | 'mends'>): EventKind {
  return mends === 'dns' ? 'dns apply' : kind;
}

/**
 * The steps of a change: traffic first (flags, then DNS), then those who are told about it.
 * @param dns its DNS steps, see rollback/dns-steps.ts
 */
export function stepsFor(drivers: PlannedDrivers, dns: readonly PlannedStep[]): PlannedStep[] {
  const { flag, otherFlags = [], notify } = drivers;
  return [flag, ...otherFlags, ...dns, ...notify];
}

/** The command that leads back; null where nothing was written. One that would send traffic to target again has to be forced. */
export function undoOf(plan: Plan, checkpointId: number | null): string | null {
  if (plan.mends === 'dns' && plan.steps.every(isKept)) return null;
  if (plan.mends === 'dns') return `cutover dns apply --to ${checkpointId ?? 'N'}`;
  const back = `cutover rollback --to ${checkpointId ?? 'N'}`;
  return plan.from.ratio > plan.to.ratio ? `${back} --force --reason "…"` : back;
}

const isKept = ({ kind, byHand, restore }: PlannedStep) =>
  kind === 'notify' || byHand || restore?.every(({ from, to }) => isDeepStrictEqual(from, to));

/** The position of the step that tells a hook; -1 when there is none. */
export function notifyPosition({ steps }: Pick<Plan, 'steps'>, { label }: { label: string }): number {
  return steps.findIndex((step) => step.kind === 'notify' && step.label === label);
}

/** Those of `hooks` that a plan tells. */
export function tellable<H extends { label: string }>(plan: Pick<Plan, 'steps'>, hooks: readonly H[]): H[] {
  return hooks.filter((hook) => notifyPosition(plan, hook) >= 0);
}
