export type Level = 'HIGH' | 'MEDIUM' | 'LOW';

export interface Recommendation {
  /** null when nothing can be recommended. */
  level: Level | null;
  reason: string;
}

/** Savings in percent above which a migration is recommended with that level. */
export interface Thresholds {
  high: number;
  medium: number;
}

export const DEFAULT_THRESHOLDS: Thresholds = { high: 30, medium: 15 };

/**
 * Judges the savings by the low end of their interval where there is one: what holds there holds with confidence.
 * @param percent savings, in percent of the current cost.
 */
export function recommend(
  percent: number,
  low: number | undefined,
  thresholds: Thresholds = DEFAULT_THRESHOLDS,
): Recommendation {
  const judged = low ?? percent;
  const savings = `savings of ${text(judged)} %`;
  const said = low === undefined ? savings : `even at the low end of their 95 % interval, ${savings}`;
  if (judged > thresholds.high)
    return { level: 'HIGH', reason: `${said} are above ${text(thresholds.high)} %` };
  const level = judged > thresholds.medium ? 'MEDIUM' : 'LOW';
  if (percent < 0) return { level, reason: `the target costs ${text(-percent)} % more` };
  if (level === 'MEDIUM') {
    return {
      level,
      reason: `${said} are above ${text(thresholds.medium)} %, but not above ${text(thresholds.high)} %`,
    };
  }
  if (low !== undefined && percent > thresholds.medium) {
    const doubt = `savings of ${text(percent)} % may be as low as ${text(low)} %`;
    return { level, reason: `${doubt}, which is not above ${text(thresholds.medium)} %` };
  }
  return { level, reason: `savings of ${text(percent)} % are not above ${text(thresholds.medium)} %` };
}

function text(percent: number): string {
  return String(Number(percent.toFixed(1)));
}
