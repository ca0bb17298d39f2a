import { safe } from '../clean.ts';
import { formatRatio } from '../config/units.ts';
import type { Verification } from '../store/chain.ts';
import type { HistoryEntry } from '../store/history.ts';
import type { Style } from './style.ts';
import { alignColumns, formatTime, wrap } from './text.ts';

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
 * @param anything whether there are entries besides those that were asked for
 * @param columns width to keep to; where it is Infinity an entry is one line
 */
export function renderHistory(
  entries: readonly HistoryEntry[],
  anything: boolean,
  style: Style,
  columns: number,
): string {
  if (entries.length === 0) return anything ? 'no entry fits what was asked for' : 'nothing has happened yet';
  const rows = entries.toReversed().map((entry) => {
    const step = entry.event.startsWith('step ');
    const event = safe(step ? `  ${entry.event.slice('step '.length)}` : entry.event);
    const parts = [describe(entry.detail), step ? '' : `by ${safe(entry.actor)}`];
    return [style.dim(formatTime(entry.at)), event, parts.filter((part) => part !== '').join(', ')];
  });
  return alignColumns(rows, 0, columns, true).join('\n');
}

/** The `history --verify` JSON document. */
export function verificationDocument(verify: Verification): Record<string, unknown> {
  return { schemaVersion: 1, command: 'history', verify };
}

/** @param columns width to keep to; Infinity for one line */
export function renderVerification(found: Verification, columns: number): string {
  return wrap(describeVerification(found), columns).join('\n');
}

function describeVerification({ fault, entries, brokenAt, head, kept, expected }: Verification): string {
  switch (fault) {
    case null: {
      const since = expected?.at ? `, the expected one is that of entry ${expected.at}` : '';
      return `whole: ${count(entries)}, head ${short(head)}${since}`;
    }
    case 'changed':
      return `BROKEN at entry ${brokenAt}: it is not what was written, or one before it is gone`;
    case 'cut':
      return `BROKEN at entry ${brokenAt}: it is gone; the state counted ${count(kept?.entries ?? 0)}, and ${entries} are left`;
    case 'rewritten':
      return `BROKEN: entry ${kept?.entries} has another hash than the state kept (${short(kept?.head ?? '')}): it or some before it were written anew`;
    case 'added':
      return `BROKEN at entry ${brokenAt}: the state counted ${count(kept?.entries ?? 0)}, and there are ${entries}`;
    case 'uncounted':
      return 'BROKEN: how many entries there were is no longer kept in the state';
    case 'not expected':
      return `BROKEN: none of ${count(entries)} has the hash ${expected?.head}: some were removed or written anew, or the state was put back from an older copy`;
  }
}

const count = (entries: number) => `${entries} ${entries === 1 ? 'entry' : 'entries'}`;

const short = (hash: string) => hash.slice(0, 16);

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
