import type { Config } from './schema.ts';

/** Where the state is when the config does not say. */
export const DEFAULT_STATE = '.cutover';

/** The config's `state`, both ways it may be written: the folder, and the group that may read it, or null. */
export function stateSettings(state: Config['state']): { path: string; group: string | null } {
  if (typeof state === 'string') return { path: state, group: null };
  return { path: state.path, group: state.group === undefined ? null : String(state.group) };
}
