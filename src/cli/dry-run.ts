import type { Context, GlobalOptions } from './context.ts';

/** The flag, the same on every command that changes anything. */
export const DRY_RUN = ['--dry-run', 'show what would be done, change nothing'] as const;

export interface DryRunOptions extends GlobalOptions {
  dryRun?: boolean;
}

/** Says what a command would do: `plan` as the JSON document's, `lines` for people. */
export function sayDryRun(
  ctx: Context,
  options: GlobalOptions,
  command: string,
  plan: Record<string, unknown>,
  lines: readonly string[],
): void {
  if (options.json) ctx.document({ schemaVersion: 1, command, dryRun: true, plan });
  else ctx.print([...lines, 'A dry run: nothing was changed.'].join('\n'));
}
