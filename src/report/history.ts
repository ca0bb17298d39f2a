import { safe } from '../clean.ts';
import { formatRatio } from '../config/units.ts';
import type { HistoryEntry } from '../store/history.ts';
import type { Style } from './style.ts';
import { alignColumns, formatTime } from './text.ts';

/** The `history` JSON document; entries newest first, times ISO 8601. */
export function historyDocument(entries: readonly HistoryEntry[]): Record<string, unknown> {
  return {
    schemaVersion: 1,
    command: 'history',
    entries: entries.map(({ at, ...entry }) => ({ ...entry, at: new Date(at).toISOString() })),
  };
}

/**
 * An entry after the other, oldest first, so that it reads downwards; who did it stands where an operation begins.
 * @param columns width to keep to; where it is Infinity an entry is one line
 */
export function renderHistory(entries: readonly HistoryEntry[], style: Style, columns: number): string {
  if (entries.length === 0) return 'nothing has happened yet';
  const rows = entries.toReversed().map((entry) => {
    const step = entry.event.startsWith('step ');
    const event = safe(step ? `  ${entry.event.slice('step '.length)}` : entry.event);
    const parts = [describe(entry.detail), step ? '' : `by ${safe(entry.actor)}`];
    return [style.dim(formatTime(entry.at)), event, parts.filter((part) => part !== '').join(', ')];
  });
  return alignColumns(rows, 0, columns).join('\n');
}

/** The parts of a detail that fit on a line. */
function describe(detail: unknown): string {
  if (typeof detail !== 'object' || detail === null) return '';
  const { from, to, label, error, verdict, reason, checkpoint, forced } = detail as Record<string, unknown>;
  const parts: string[] = [];
  const before = ratioOf(from);
  const after = ratioOf(to);
  if (before !== null && after !== null) parts.push(`${formatRatio(before)} → ${formatRatio(after)}`);
  if (typeof label === 'string') parts.push(label);
  if (typeof verdict === 'string') parts.push(verdict);
  if (forced === true) parts.push('forced');
  if (typeof checkpoint === 'number') parts.push(`checkpoint ${checkpoint}`);
  if (typeof reason === 'string' && reason !== '') parts.push(`“${reason}”`);
  if (typeof error === 'string') parts.push(error);
  return safe(parts.join(', '));
}

function ratioOf(world: unknown): number | null {
  if (typeof world !== 'object' || world === null || !('ratio' in world)) return null;
  return typeof world.ratio === 'number' ? world.ratio : null;
}
