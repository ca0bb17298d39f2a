import { safe } from '../clean.ts';
import { giveUp } from '../operation/given-up.ts';
import { storable } from '../output/storable.ts';
import type { Context } from './context.ts';
import { type DryRunOptions, sayDryRun } from './dry-run.ts';
import { withSession } from './session.ts';

export interface GoneOptions extends DryRunOptions {
  gone: string;
  reason: string;
}

/** `cutover lease --gone OPERATION --reason TEXT` */
export async function runGone(ctx: Context, options: GoneOptions): Promise<void> {
  await withSession(ctx, options, async (session) => {
    const { db, actor, clock, secrets } = session;
    const operationId = options.gone;
    const reason = storable(options.reason, secrets.redact);
    if (options.dryRun) {
      const lines = [`the process of ${safe(operationId)} counts as gone: ${safe(reason)}`];
      return sayDryRun(ctx, options, 'lease', { action: 'gone', operation: operationId, reason }, lines);
    }
    const process = giveUp(db, { operationId, reason, actor, now: clock.now() });
    if (options.json) return ctx.document({ schemaVersion: 1, command: 'lease', gone: operationId, reason });
    ctx.print(
      process === null
        ? `${safe(operationId)}: its process was known to be gone`
        : `${safe(operationId)}: ${safe(process)} counts as gone; see \`cutover status\``,
    );
  });
}
