import { type Confidence, tooLittle } from './confidence.ts';

/** What `--fail-under` asked, and the answer. */
export interface ThresholdVerdict {
  /** Percent. */
  failUnder: number;
  /** The low end of the savings' interval, or the savings where there is none; null when they are unknown. */
  judged: number | null;
  verdict: 'PASS' | 'FAIL' | 'INCONCLUSIVE';
  reason: string;
}

/**
 * @param percent the savings, @param low the low end of their interval.
 * @param partial whether reading was interrupted: then nothing is judged.
 */
export function judgeThreshold(
  failUnder: number,
  percent: number | null,
  low: number | undefined,
  confidence: Confidence,
  partial: boolean,
): ThresholdVerdict {
  const judged = low ?? percent;
  const unknown = (reason: string): ThresholdVerdict => ({
    failUnder,
    judged,
    verdict: 'INCONCLUSIVE',
    reason: `${reason}, so --fail-under ${failUnder} cannot be judged`,
  });
  if (judged === null) return unknown('the savings are unknown');
  if (partial) return unknown('reading was interrupted');
  const lack = tooLittle(confidence);
  if (lack !== undefined) return unknown(lack);
  const which = low === undefined ? 'the savings' : 'the low end of the savings';
  const fails = judged < failUnder;
  return {
    failUnder,
    judged,
    verdict: fails ? 'FAIL' : 'PASS',
    reason: `${which}, ${judged.toFixed(1)} %, is ${fails ? '' : 'not '}under ${failUnder} %`,
  };
}
