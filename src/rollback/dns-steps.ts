import type { PlannedHook, PlannedStep } from '../operation/plan.ts';
import type { Side } from '../world.ts';
import { type Handed, isOf, type Ledger, movesBack, type PlannedMove } from './moved.ts';
import { isSilent, nameOf } from './silent.ts';

/** The DNS steps of plans. Pure. */

const plain = ({ kind, driver, label, server, receiver, timeoutMs }: PlannedHook): PlannedStep => ({
  kind,
  driver,
  label,
  ...(server === undefined ? {} : { server }),
  ...(receiver === undefined ? {} : { receiver }),
  ...(timeoutMs === undefined ? {} : { timeoutMs }),
});

/** Every hook writes what the config has for `side`, whatever it finds. */
export function dnsByConfig(hooks: readonly PlannedHook[], side: Side): PlannedStep[] {
  return hooks.map((hook) => byConfig(hook, side));
}

/** On a way back the journal keeps what the config had for target then, too: nothing is to lead there again. */
function byConfig(hook: PlannedHook, side: Side): PlannedStep {
  const { sides } = hook;
  if (!sides) return plain(hook);
  const leaves = side === 'legacy' ? { leaves: sides.target } : {};
  return { ...plain(hook), wants: sides[side], ...leaves };
}

/** Ahead of the move: hooks that the config asks for it see to it that no TTL is longer than it says. */
export function dnsLowering(hooks: readonly PlannedHook[]): PlannedStep[] {
  return hooks.flatMap((hook) =>
    hook.lowerTtl === undefined ? [] : [{ ...plain(hook), lowerTtl: hook.lowerTtl }],
  );
}

/** What is to be put back, server by server, and where that is not known by records. */
export interface WayBack {
  moves: ReadonlyMap<string, PlannedMove[]>;
  /** Servers for which only the config knows what to write. */
  unknown: ReadonlySet<string>;
  /** Hooks that cannot be read and have to be told of the provider, wherever they are. */
  handed: readonly Handed[];
  servers: ReadonlyMap<string, { driver: string }>;
}

/**
 * What our own steps have moved since a checkpoint.
 * @param then the ledger of its moment, where DNS was on target then; null leads to legacy
 * @param lowered the ledger of its moment, where it leads to legacy and TTLs that were lowered then stay so
 */
export function wayBack(now: Ledger, then: Ledger | null, lowered: Ledger | null = null): WayBack {
  const { unknown, servers } = now;
  return { moves: movesBack(now, then, lowered), unknown, servers, handed: then ? [] : now.handed };
}

/**
 * What our own steps have moved is put back, by whichever hook speaks to its server; where nothing was moved a hook
 * looks. Hooks that cannot read always run. What the config has no hook for any more is a step all the same: it fails
 * by name.
 * @param side what is written where only the config knows it
 */
export function dnsBack(
  hooks: readonly PlannedHook[],
  { moves, unknown, handed, servers }: WayBack,
  side: Side = 'legacy',
): PlannedStep[] {
  const own = hooks.map((hook): PlannedStep => {
    const { server } = hook;
    if (server === undefined) return plain(hook);
    if (unknown.has(server)) return byConfig(hook, side);
    return { ...plain(hook), restore: movesOf(hook, hooks, moves.get(server) ?? []) };
  });
  const gone = [...new Set([...moves.keys(), ...unknown])].filter(
    (server) => !hooks.some((hook) => hook.server === server),
  );
  const silent = handed.filter((one) => !hooks.some(isSilent(one)));
  return [
    ...own,
    ...gone.map((server): PlannedStep => {
      const driver = servers.get(server)?.driver ?? '';
      return { kind: 'dns', driver, label: server, server, restore: moves.get(server) ?? [] };
    }),
    ...silent.map(goneSilent),
  ];
}

/** The step of a hook that cannot be read and has left the config. */
export const goneSilent = ({ driver, ...name }: Handed): PlannedStep => ({
  kind: 'dns',
  driver,
  ...name,
  label: nameOf(name),
});

/** Of several hooks on one server each record is for the one that names it, or else for the first. */
function movesOf(hook: PlannedHook, hooks: readonly PlannedHook[], moves: PlannedMove[]): PlannedMove[] {
  const beside = hooks.filter(({ server }) => server === hook.server);
  return moves.filter(({ to }) => {
    const names = ({ sides }: PlannedHook) => sides?.legacy.some(isOf(to)) ?? false;
    return (beside.find(names) ?? beside[0]) === hook;
  });
}
