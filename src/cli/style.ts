import type { Context, GlobalOptions, Style } from './context.ts';

/**
 * Colours for a stream, or none: NO_COLOR and --no-color switch them off, FORCE_COLOR on, else only a terminal
 * gets them. (chalk itself does not look at NO_COLOR.)
 */
export async function styleFor(
  ctx: Context,
  globals: GlobalOptions,
  stream: 'stdout' | 'stderr',
): Promise<Style> {
  const { Chalk } = await import('chalk');
  return new Chalk({ level: wantsColor(ctx, globals, stream) ? 1 : 0 });
}

function wantsColor(ctx: Context, globals: GlobalOptions, stream: 'stdout' | 'stderr'): boolean {
  if (globals.color === false || ctx.env.NO_COLOR) return false;
  if (ctx.env.FORCE_COLOR !== undefined && ctx.env.FORCE_COLOR !== '') return ctx.env.FORCE_COLOR !== '0';
  return ctx.terminal[stream] && ctx.env.TERM !== 'dumb';
}

/** The width that output on stdout should keep to: a terminal's, else COLUMNS, else any. */
export function widthOf(ctx: Context): number {
  if (ctx.terminal.stdout) return ctx.terminal.columns;
  const asked = Number(ctx.env.COLUMNS);
  return asked > 0 ? asked : Number.POSITIVE_INFINITY;
}
