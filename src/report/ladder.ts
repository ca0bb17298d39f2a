import { formatRatio } from '../config/units.ts';

/**
 * The ladder with the ratio of the moment in brackets: `1 ─ 5 ─[10]─ 25 ─ 50 ─ 100 %`. A ratio that is no rung stands
 * where it belongs.
 */
export function renderLadder(ladder: readonly number[], ratio: number): string {
  const rungs = [...new Set([...ladder, ratio])].sort((a, b) => a - b);
  const at = rungs.indexOf(ratio);
  const text = rungs
    .map((rung, i) => {
      const percent = formatRatio(rung).replace(/ %$/, '');
      if (i === at) return `[${percent}]`;
      return percent;
    })
    .reduce((line, rung, i) => `${line}${i - 1 === at ? '' : ' '}─${i === at ? '' : ' '}${rung}`);
  return `${text} %`;
}
