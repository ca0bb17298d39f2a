import type { DnsReading, OperationKind, World } from '../world.ts';

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
  /** For a rollback: the DNS records that its checkpoint kept, to be put back exactly. */
  dns: DnsReading[];
  /**
   * Of a way forward: the operation that had begun last when this was decided, or null. One that has begun since, an
   * emergency say, is news to whoever decided.
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
  /** Set by `resume --flag`: the state says `to` already, and only the flag is brought there. */
  mends?: 'flag';
}

/** The drivers of a config as the planner sees them. */
export interface PlannedDrivers {
  flag: PlannedStep;
  /** Further flags that traffic may follow, which a way back sets besides. */
  otherFlags?: PlannedStep[];
  dns: PlannedStep[];
  notify: PlannedStep[];
}

/** What an operation is called: by the command that began it. */
export function commandOf({ kind, mends }: Pick<Plan, 'kind' | 'mends'>): string {
  return mends ? 'resume --flag' : kind;
}

/** The steps of a change: traffic first (flags, then DNS), then those who are told about it. */
export function stepsFor(drivers: PlannedDrivers, options: { dns: boolean }): PlannedStep[] {
  const { flag, otherFlags = [], dns, notify } = drivers;
  return [flag, ...otherFlags, ...(options.dns ? dns : []), ...notify];
}
