import type { DayCost } from './days.ts';

/** Days that are alike: weekdays, weekends, or all of them where the log has too few of either. */
export interface DayKind {
  days: readonly DayCost[];
  /** How many days that is; a day covered in part counts for the part. */
  size: number;
  isWeekend: boolean | undefined;
}

/** Of each kind there must be so much, and of all so much more than kinds, for them to be told apart. */
const MIN_OF_KIND = 1.5;
const MIN_TO_SPARE = 2;

export function isWeekend(day: number): boolean {
  // 1970-01-01 was a Thursday.
  const weekday = (((day + 4) % 7) + 7) % 7;
  return weekday === 0 || weekday === 6;
}

export function kindsOf(days: readonly DayCost[]): DayKind[] {
  const kindOf = (members: readonly DayCost[], weekend: boolean | undefined): DayKind => ({
    days: members,
    size: sizeOf(members),
    isWeekend: weekend,
  });
  const kinds = [false, true].map((weekend) =>
    kindOf(
      days.filter(({ day }) => isWeekend(day) === weekend),
      weekend,
    ),
  );
  const enough =
    kinds.every(({ size }) => size >= MIN_OF_KIND) && sizeOf(days) - kinds.length >= MIN_TO_SPARE;
  return enough ? kinds : [kindOf(days, undefined)];
}

export function sizeOf(days: readonly DayCost[]): number {
  return days.reduce((size, { share }) => size + share, 0);
}
