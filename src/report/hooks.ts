import { safe } from '../clean.ts';
import type { HookTrial } from '../operation/try-hooks.ts';
import type { Style } from './style.ts';
import { alignColumns, wrap } from './text.ts';

/** The `hooks test` JSON document. */
export function trialDocument(trials: readonly HookTrial[]): Record<string, unknown> {
  return { schemaVersion: 1, command: 'hooks test', hooks: trials };
}

/** @param columns width to keep to; Infinity for one line a hook */
export function renderTrials(trials: readonly HookTrial[], style: Style, columns: number): string {
  if (trials.length === 0) return 'the config has no hooks; add some below `hooks:`';
  const marks = { ok: style.green('ok'), failed: style.red('failed'), skipped: style.dim('skipped') };
  const rows = trials.map(({ kind, label, outcome, ms, attempts, detail, error }) => [
    marks[outcome],
    kind,
    safe(label),
    outcome === 'skipped' ? '' : `${Math.round(ms)} ms${attempts > 1 ? `, ${attempts} tries` : ''}`,
    safe(error ?? detail),
  ]);
  const hints = trials.flatMap(({ label, hint, notes = [] }) =>
    [...notes, hint].flatMap((text) =>
      text === undefined ? [] : wrap(`  ${safe(label)}: ${safe(text)}`, columns, '    '),
    ),
  );
  return [...alignColumns(rows, 0, columns), ...hints].join('\n');
}
