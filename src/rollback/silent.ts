/**
 * Hooks that cannot be read: no server tells which one a step was for, but whom it calls does, wherever the hook stands
 * in the config. Pure.
 */

/** How such a hook is known. */
export interface SilentName {
  label: string;
  /** Whom it calls; absent in steps that an older cutover has kept. */
  receiver?: string;
}

/** A label without the hook's place in the config, which changes when another one is added. */
export const unnumbered = (label: string): string => label.replace(/^dns\[\d+\] /, '');

/** Whether another name is of the same hook: by whom it calls, or, where that was not kept, by its label. */
export const isSilent =
  (one: SilentName) =>
  (other: SilentName): boolean =>
    one.receiver !== undefined && other.receiver !== undefined
      ? one.receiver === other.receiver
      : unnumbered(one.label) === unnumbered(other.label);

/** A step for one that the config has no more is called by whom it called. */
export const nameOf = ({ label, receiver }: SilentName): string => receiver ?? unnumbered(label);
