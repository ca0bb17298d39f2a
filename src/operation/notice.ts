import type { EventKind } from '../hooks/hook.ts';
import type { World } from '../world.ts';
import type { Word } from './word.ts';

/** What people may ask to be told of besides operations. */
export interface Notice {
  id: string;
  kind: Extract<EventKind, 'freeze' | 'unfreeze' | 'canary FAIL'>;
  migration: string;
  world: World;
  reason: string;
  actor: string;
  /** Unix milliseconds. */
  now: number;
  /** The command that answers it. */
  undo: string;
  evidence?: unknown;
}

/** The word of a notice. Pure. */
export function wordOfNotice(notice: Notice): Word {
  const { id, kind, migration, world, reason, actor, now, undo, evidence } = notice;
  const { status, ratio, activeProvider } = world;
  const same = { status, ratio, activeProvider };
  return {
    ...{ schemaVersion: 1 as const, migration, step: 'notify' as const, operation: { id, kind } },
    ...{ from: same, to: same, provider: activeProvider, reason, actor, steps: [], undo },
    at: new Date(now).toISOString(),
    ...(evidence === undefined ? {} : { evidence }),
  };
}
