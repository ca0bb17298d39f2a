import type { DnsReading, OperationKind, World } from '../world.ts';

/** The words of the plan: what a change of the world is before it happens. Pure values, no effects. */

export type StepKind = 'flag' | 'dns' | 'notify';

/** A condition that a forward step has to meet, and whether it does. */
export interface Gate {
  name: 'verdict' | 'bake' | 'drift' | 'freeze' | 'readiness';
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
  /** For a rollback: the DNS records that its checkpoint kept, to be put back exactly. */
  dns: DnsReading[];
  /** Unfinished operations that this plan puts an end to. */
  supersedes: string[];
  /** What was known when it was decided: the verdict, and the like. */
  evidence: unknown;
}

/** The drivers of a config as the planner sees them. */
export interface PlannedDrivers {
  flag: PlannedStep;
  /** Further flags, which an emergency sets besides. */
  otherFlags?: PlannedStep[];
  dns: PlannedStep[];
  notify: PlannedStep[];
}

/** The steps of a change: traffic first (flags, then DNS), then those who are told about it. */
export function stepsFor(drivers: PlannedDrivers, options: { dns: boolean }): PlannedStep[] {
  const { flag, otherFlags = [], dns, notify } = drivers;
  return [flag, ...otherFlags, ...(options.dns ? dns : []), ...notify];
}
