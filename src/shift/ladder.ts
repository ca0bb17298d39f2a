import { parseRatio } from '../config/units.ts';
import { CutoverError, EXIT } from '../errors.ts';

/** The next ratio of the ladder above `ratio`, or null at its top. */
export function nextRung(ladder: readonly number[], ratio: number): number | null {
  return ladder.find((rung) => rung > ratio) ?? null;
}

/** The ratios of the ladder that lie between two ratios: those that a jump leaves out. */
export function rungsBetween(ladder: readonly number[], from: number, to: number): number[] {
  return ladder.filter((rung) => rung > from && rung < to);
}

/**
 * A ratio as typed: `25%` or `0.25`.
 * @throws CutoverError RATIO_INVALID (64); 25 without a sign is refused, as it could be 25 % or a mistyped 0.25.
 */
export function ratioArgument(text: string): number {
  const ratio = parseRatio(text);
  if (ratio !== undefined) return ratio;
  throw new CutoverError('RATIO_INVALID', EXIT.usage, `not a ratio: ${text}`, {
    hint: /^\d+(\.\d+)?$/.test(text) ? `for a percentage write ${text}%` : 'write it like 25% or 0.25',
  });
}
