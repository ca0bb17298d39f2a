import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CutoverError } from '../../src/errors.ts';
import type { Plan, PlannedDrivers } from '../../src/operation/plan.ts';
import { gradualPlans } from '../../src/rollback/gradual.ts';
import { planEmergency, planRollback, raiseOf } from '../../src/rollback/plan.ts';
import { planCanaryStart, planShift } from '../../src/shift/plan.ts';
import { type World, worldFault } from '../../src/world.ts';

/** Which worlds there can be: what is taken in from elsewhere is held against it. */

const drivers: PlannedDrivers = {
  flag: { kind: 'flag', driver: 'file', label: 'file flags.json' },
  dns: [{ kind: 'dns', driver: 'exec', label: 'dns[0]' }],
  notify: [],
};
const IDLE: World = { status: 'idle', ratio: 0, activeProvider: 'legacy' };
const LADDER = [0.01, 0.1, 0.5, 1];

const step = fc.oneof(
  fc.record({ kind: fc.constantFrom('start', 'shift'), ratio: fc.constantFrom(0, 0.01, 0.1, 0.3, 0.5, 1) }),
  fc.record({ kind: fc.constantFrom('rollback', 'gradual', 'emergency'), pick: fc.nat() }),
);

/** The plans of a step, none where it is refused. */
function plansOf(world: World, made: readonly World[], asked: Record<string, unknown>): Plan[] {
  const { kind, ratio, pick } = asked as { kind: string; ratio: number; pick: number };
  const input = { world, gates: [], drivers, reason: 'r', force: true, evidence: null };
  const back = () =>
    planRollback(
      {
        ...input,
        previous: null,
        open: [],
        moving: [],
        last: null,
        findCheckpoint: (id) => ({
          ...(made[id] as World),
          ...{ id, reason: '', previous: null, since: id },
        }),
      },
      pick % made.length,
    );
  try {
    if (kind === 'start') return [planCanaryStart(input, ratio)];
    if (kind === 'shift') return [planShift(input, LADDER, ratio)].filter((plan) => plan !== null);
    if (kind === 'emergency') return [planEmergency(drivers, world.ratio, '', null)];
    if (kind === 'rollback') return [back()];
    const rungs = gradualPlans(back(), LADDER, world.ratio);
    // It may end on any rung.
    return rungs.slice(0, 1 + (pick % rungs.length));
  } catch (error) {
    if (error instanceof CutoverError) return [];
    throw error;
  }
}

it('every world that a plan leads to is possible', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const made = [IDLE];
      for (const asked of steps) {
        for (const { from, to, steps: planned } of plansOf(made.at(-1) as World, made, asked)) {
          expect(worldFault(to)).toBeNull();
          // The active provider is where DNS leads.
          const moves = from.activeProvider !== to.activeProvider;
          expect(!moves || planned.some(({ kind }) => kind === 'dns')).toBe(true);
          made.push(to);
        }
      }
    }),
    { numRuns: 500 },
  );
});

it.each<World>([
  { status: 'idle', ratio: 0.1, activeProvider: 'legacy' },
  { status: 'idle', ratio: 0, activeProvider: 'target' },
  { status: 'canary', ratio: 0, activeProvider: 'legacy' },
  { status: 'canary', ratio: 0.1, activeProvider: 'target' },
  { status: 'rolling', ratio: 1, activeProvider: 'target' },
  { status: 'complete', ratio: 0, activeProvider: 'target' },
  { status: 'complete', ratio: 1, activeProvider: 'legacy' },
  { status: 'rollback', ratio: 0.1, activeProvider: 'legacy' },
])('$status at $ratio with $activeProvider is not', (world) => {
  expect(worldFault(world)).toMatch(/^no migration is /);
});

it('going from legacy to target as the active provider sends more there, whatever the ratios', () => {
  const at = (ratio: number, activeProvider: World['activeProvider']) => ({ ratio, activeProvider });
  expect(raiseOf(at(0.6, 'legacy'), 0.6, at(0.5, 'target'))).toBe('dns');
  expect(raiseOf(at(0.6, 'legacy'), 0.6, at(0.5, 'legacy'))).toBeNull();
  expect(raiseOf(at(1, 'target'), 1, at(0.5, 'target'))).toBeNull();
  expect(raiseOf(at(1, 'target'), 0, at(0.5, 'target'))).toEqual({ from: 0, to: 0.5 });
});
