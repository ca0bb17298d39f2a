import { clean } from '../../clean.ts';

/** The pieces of a chart. Colours are CSS variables of the page, so that a chart is light or dark with it. */

export const WIDTH = 720;
/** As many series have a colour of their own. */
export const COLOURS = 6;

export function html(text: string): string {
  return clean(text, 400)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

export interface Scale {
  (value: number): number;
  ticks: number[];
}

/** From 0 to a round number that is at least `max`, onto `from` … `to`. */
export function linearScale(max: number, from: number, to: number): Scale {
  const step = roundStep(max / 4 || 1);
  const top = Math.max(step, Math.ceil(max / step - 1e-9) * step);
  const scale = (value: number) => from + (value / top) * (to - from);
  const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, i) => i * step);
  return Object.assign(scale, { ticks });
}

function roundStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 2.5, 5, 10].find((each) => each * power >= rough * (1 - 1e-9)) ?? 10;
  return factor * power;
}

/** Decades from `min` to `max` (both above 0), onto `from` … `to`. */
export function logScale(min: number, max: number, from: number, to: number): Scale {
  const low = Math.floor(Math.log10(min) * 2) / 2;
  const high = Math.max(low + 0.5, Math.ceil(Math.log10(max) * 2) / 2);
  const scale = (value: number) =>
    from + ((Math.log10(Math.max(value, 10 ** low)) - low) / (high - low)) * (to - from);
  const ticks: number[] = [];
  for (let power = Math.floor(low); power <= Math.ceil(high); power++) {
    for (const factor of [1, 3]) {
      const tick = factor * 10 ** power;
      if (Math.log10(tick) >= low - 1e-9 && Math.log10(tick) <= high + 1e-9) ticks.push(tick);
    }
  }
  return Object.assign(scale, { ticks });
}

export function svg(height: number, label: string, content: string): string {
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${html(label)}">${content}</svg>`;
}

export function line(x1: number, y1: number, x2: number, y2: number): string {
  return `<line class="rule" x1="${n(x1)}" y1="${n(y1)}" x2="${n(x2)}" y2="${n(y2)}"/>`;
}

export function text(
  x: number,
  y: number,
  content: string,
  anchor: 'start' | 'middle' | 'end' = 'start',
): string {
  return `<text x="${n(x)}" y="${n(y)}" text-anchor="${anchor}">${html(content)}</text>`;
}

/** @param title shown when the pointer rests on it. */
export function rect(
  x: number,
  y: number,
  width: number,
  height: number,
  colour: string,
  title: string,
): string {
  const size = `width="${n(Math.max(0, width))}" height="${n(Math.max(0, height))}"`;
  return `<rect x="${n(x)}" y="${n(y)}" ${size} class="${colour}"><title>${html(title)}</title></rect>`;
}

export function path(points: readonly (readonly [number, number])[], colour: string, title: string): string {
  const d = points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${n(x)} ${n(y)}`).join('');
  return `<path d="${d}" class="line ${colour}"><title>${html(title)}</title></path>`;
}

/** Names with the colour of their series. */
export function legend(entries: readonly { name: string; colour: string }[]): string {
  const items = entries.map(
    ({ name, colour }) =>
      `<li><svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true"><rect width="12" height="12" class="${colour}"/></svg> ${html(name)}</li>`,
  );
  return `<ul class="legend">${items.join('')}</ul>`;
}

/** Two decimals are finer than any screen. */
function n(value: number): string {
  return String(Number(value.toFixed(2)));
}
