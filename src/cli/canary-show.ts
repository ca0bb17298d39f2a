import type { CanaryDocument } from '../canary/document.ts';
import { renderCanary, renderProgress } from '../canary/table.ts';
import { formatDuration } from '../config/units.ts';
import { EXIT, messageOf } from '../errors.ts';
import { fitLine } from '../report/text.ts';
import type { CanaryRollback, CanarySession, CheckOptions } from './canary.ts';
import type { Context, GlobalOptions } from './context.ts';
import { pageWidth, styleFor } from './style.ts';

/** Prints the verdict, and on FAIL rolls back when that was asked for. */
export async function finish(
  ctx: Context,
  session: CanarySession,
  options: CheckOptions,
  document: CanaryDocument,
): Promise<void> {
  if (!options.autoRollback || document.verdict !== 'FAIL') {
    if (document.verdict === 'FAIL') session.tellFail?.(document);
    return show(ctx, options, document);
  }
  let rollback: CanaryRollback;
  try {
    rollback = await session.rollback(`canary FAIL: ${document.explanations.join('; ')}`);
  } catch (error) {
    // The verdict is the result that was asked for; it is printed even when acting on it went wrong.
    await show(ctx, options, { ...document, rollback: { outcome: 'failed', error: messageOf(error) } });
    session.tellFail?.(document);
    throw error;
  }
  await show(ctx, options, {
    ...document,
    rollback: { outcome: rollback.outcome, operation: rollback.operation },
  });
  if (!options.json) ctx.print(`\n${rollback.text}`);
  if (rollback.outcome === 'partial') ctx.exit(EXIT.hookFailed);
  if (rollback.outcome === 'failed') ctx.exit(EXIT.unreachable);
}

/** Prints a verdict and sets the exit code. */
export async function show(ctx: Context, options: GlobalOptions, document: CanaryDocument): Promise<void> {
  ctx.exit(exitCodeOf(document));
  if (options.json) return ctx.document(document);
  ctx.print(renderCanary(document, await styleFor(ctx, options, 'stdout'), pageWidth(ctx)));
}

function exitCodeOf({ verdict, reasons }: CanaryDocument): number {
  if (reasons.includes('unreachable')) return EXIT.unreachable;
  if (reasons.includes('no_key')) return EXIT.config;
  return { PASS: EXIT.ok, FAIL: EXIT.fail, INCONCLUSIVE: EXIT.inconclusive, ERROR: EXIT.fault }[verdict];
}

/** In a terminal one line that is written anew, else one line a run. */
export function progressLine(
  ctx: Context,
  options: GlobalOptions,
): (document: CanaryDocument, leftMs: number) => void {
  const live = ctx.terminal.stderr && ctx.env.TERM !== 'dumb' && !options.json;
  return (document, leftMs) => {
    const line = renderProgress(document, formatDuration(Math.round(leftMs / 1000) * 1000));
    if (live) ctx.live(fitLine(line, ctx.terminal.columns - 1));
    else ctx.note(line);
  };
}
