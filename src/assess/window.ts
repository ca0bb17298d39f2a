/**
 * Pairs of probes until a canary can PASS when nothing goes wrong, for a margin delta (reference: the bounded
 * paired-difference e-test, betting fractions Lambda, alpha 0.05): the smallest n with
 * ln mean_j (1 + lambda_j · delta / (1 − delta))^n ≥ ln 20.
 */
export function pairsToPass(delta: number): number {
  const gains = LAMBDA.map((lambda) => Math.log1p((lambda * delta) / (1 - delta)));
  const enough = (n: number) => logMeanExp(gains.map((gain) => n * gain)) >= Math.log(1 / ALPHA);
  let high = 1;
  while (!enough(high)) high *= 2;
  let low = high / 2;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (enough(middle)) high = middle;
    else low = middle;
  }
  return high;
}

const LAMBDA = [0.03, 0.1, 0.25, 0.5, 0.75, 0.95];
const ALPHA = 0.05;

function logMeanExp(values: readonly number[]): number {
  const top = Math.max(...values);
  return top + Math.log(values.reduce((sum, value) => sum + Math.exp(value - top), 0) / values.length);
}

/** What the probes of a migration cost at least: at each stage both sides answer every pair. */
export interface MigrationWindow {
  stages: number;
  pairsPerStage: number;
  /** At the mean cost of a request in the logs, USD. */
  probesUsd: number;
}

/** @param legacyUsd mean cost of a request on the legacy side, @param targetUsd on the target side. */
export function migrationWindow(
  stages: number,
  margin: number,
  legacyUsd: number,
  targetUsd: number,
): MigrationWindow {
  const pairsPerStage = pairsToPass(margin);
  return { stages, pairsPerStage, probesUsd: stages * pairsPerStage * (legacyUsd + targetUsd) };
}
