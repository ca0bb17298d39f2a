import { markedStyle } from '../output/style.ts';
import { wrapHanging } from '../report/text.ts';
import type { Context, GlobalOptions, Style } from './context.ts';

const PLAIN: Style = {
  red: String,
  green: String,
  yellow: String,
  bold: String,
  dim: String,
};

/**
 * Colours for a stream, or none: NO_COLOR and --no-color switch them off, FORCE_COLOR on (0 and false: off), else only
 * a terminal gets them. (chalk itself does not look at NO_COLOR.)
 */
export async function styleFor(
  ctx: Context,
  globals: Pick<GlobalOptions, 'color'>,
  stream: 'stdout' | 'stderr',
): Promise<Style> {
  if (!wantsColor(ctx, globals, stream)) return PLAIN;
  const { Chalk } = await import('chalk');
  return markedStyle(new Chalk({ level: 1 }), ctx.mark);
}

function wantsColor(
  { env, terminal }: Context,
  globals: Pick<GlobalOptions, 'color'>,
  stream: 'stdout' | 'stderr',
): boolean {
  if (globals.color === false || env.NO_COLOR) return false;
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false';
  return terminal[stream] && env.TERM !== 'dumb';
}

/** Narrower than this nothing can be laid out. */
const NARROWEST = 20;
/** What is laid out is made for this width, and gets no wider than the other: long lines are hard to read. */
const DESIGN_WIDTH = 80;
const WIDEST = 100;

/** The width that lines on stdout should keep to: a terminal's, else COLUMNS, else any. */
export function widthOf(ctx: Context): number {
  return streamWidth(ctx, 'stdout');
}

/** The same for stderr. */
export function noteWidth(ctx: Context): number {
  return streamWidth(ctx, 'stderr');
}

function streamWidth({ terminal, env }: Context, stream: 'stdout' | 'stderr'): number {
  if (terminal[stream]) return Math.max(NARROWEST, terminal.columns);
  const asked = Math.floor(Number(env.COLUMNS));
  return asked > 0 ? Math.max(NARROWEST, asked) : Number.POSITIVE_INFINITY;
}

/** The same context, but that lines are folded to the width of what they are written to; its documents stay. */
export function folding(ctx: Context): Context {
  // A secret with a space in it would not be recognised once it is folded.
  const lines = (text: string, columns: number) => wrapHanging(ctx.redactor.redact(text), columns).join('\n');
  return Object.assign(Object.create(ctx) as Context, {
    print: (text: string) => ctx.print(lines(text, widthOf(ctx))),
    note: (text: string) => ctx.note(lines(text, noteWidth(ctx))),
  });
}

/** The width that tables and prose on stdout are laid out for. */
export function pageWidth(ctx: Context): number {
  const width = widthOf(ctx);
  return Number.isFinite(width) ? Math.min(width, WIDEST) : DESIGN_WIDTH;
}
