import { dayName, type Zone } from '../usage/zone.ts';
import type { DayAssessment } from './assessment.ts';
import type { Period } from './period.ts';
import type { PricedCell, PricedModel } from './priced.ts';

const DAY_MS = 86_400_000;
/** A log of more days than this has a faulty clock in it; its days are not listed one by one. */
const MAX_DAYS = 3660;

/** One day of the logs. A day that is covered in part (the first, the last) has that part as its share. */
export interface DayCost {
  /** Number of the day since 1970, in the report's time zone. */
  day: number;
  currentUsd: number;
  projectedUsd: number;
  /** How much of the day the logs cover, above 0 and at most 1. */
  share: number;
}

/**
 * The days of the period, by number; none when it is unknown. It ends with the last record, or where aggregates or a
 * cut say: the gap that is expected after the last record may reach into a day that nothing is known of.
 */
export function daysOf(period: Period, zone: Zone): number[] {
  if (period.from === null || period.days === null) return [];
  const first = zone.dayOf(period.from);
  const end = period.from + period.days * DAY_MS;
  const last = zone.dayOf(Math.max(period.from, Math.min(end - 1, period.to ?? end)));
  return last - first < MAX_DAYS ? Array.from({ length: last - first + 1 }, (_, i) => first + i) : [];
}

/** Traffic and cost of each day; costs are those of the models that can be compared. */
export function dailyAssessment(
  days: readonly number[],
  models: readonly PricedModel[],
  comparable: ReadonlySet<PricedModel>,
  projected: boolean,
): DayAssessment[] {
  const byDay = new Map(
    days.map((day) => [day, { day: dayName(day), requests: 0, errors: 0, currentUsd: 0, projectedUsd: 0 }]),
  );
  for (const model of models) {
    for (const { cell, currentUsd, projectedUsd } of model.cells) {
      const entry = cell.day === undefined ? undefined : byDay.get(cell.day);
      if (!entry) continue;
      entry.requests += cell.requests;
      entry.errors += cell.errors;
      if (!comparable.has(model)) continue;
      entry.currentUsd += currentUsd ?? 0;
      entry.projectedUsd += projectedUsd ?? 0;
    }
  }
  const priced = comparable.size > 0;
  return [...byDay.values()].map((entry) => ({
    ...entry,
    currentUsd: priced ? entry.currentUsd : null,
    projectedUsd: priced && projected ? entry.projectedUsd : null,
  }));
}

/** The cost of each day of the period, with the share of the day that the period covers. */
export function dayCosts(
  days: readonly number[],
  period: Period,
  zone: Zone,
  cells: Iterable<PricedCell>,
): DayCost[] {
  if (period.from === null || period.days === null) return [];
  const from = period.from;
  const to = from + period.days * DAY_MS;
  const costs = new Map(
    days.map((day) => {
      const [start, end] = [zone.startOf(day), zone.startOf(day + 1)];
      const covered = Math.min(end, to) - Math.max(start, from);
      return [day, { day, currentUsd: 0, projectedUsd: 0, share: covered / (end - start) }];
    }),
  );
  for (const { cell, currentUsd, projectedUsd } of cells) {
    const entry = cell.day === undefined ? undefined : costs.get(cell.day);
    if (!entry) continue;
    entry.currentUsd += currentUsd ?? 0;
    entry.projectedUsd += projectedUsd ?? 0;
  }
  return [...costs.values()].filter((day) => day.share > 0);
}
