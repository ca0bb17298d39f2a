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

/** @param percent savings, in percent of the current cost. */
export function recommend(percent: number, thresholds: Thresholds = DEFAULT_THRESHOLDS): Recommendation {
  const said = `savings of ${Number(percent.toFixed(1))} %`;
  if (percent > thresholds.high) return { level: 'HIGH', reason: `${said} are above ${thresholds.high} %` };
  if (percent > thresholds.medium) {
    return {
      level: 'MEDIUM',
      reason: `${said} are above ${thresholds.medium} % but not above ${thresholds.high} %`,
    };
  }
  const cause = percent < 0 ? 'the target costs more' : `${said} are not above ${thresholds.medium} %`;
  return { level: 'LOW', reason: cause };
}
