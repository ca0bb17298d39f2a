import type { DayAssessment, ModelAssessment } from '../../assess/assessment.ts';
import type { LatencyCurve } from '../../assess/curves.ts';
import { clean } from '../../clean.ts';
import { count, type Money, ms, share } from './numbers.ts';
import { COLOURS, legend, line, linearScale, logScale, path, rect, svg, text, WIDTH } from './svg.ts';
import { shorten } from './words.ts';

const LEFT = 64;
const RIGHT = WIDTH - 28;

/** Which share of the successful requests took at most so long, a line a model. */
export function latencyChart(curves: readonly LatencyCurve[]): string {
  const shown = curves.slice(0, COLOURS);
  const values = shown.flatMap((curve) => curve.points.map((point) => point.ms)).filter((value) => value > 0);
  if (values.length === 0) return '';
  const [top, bottom] = [10, 230];
  const min = values.reduce((a, b) => Math.min(a, b));
  const max = values.reduce((a, b) => Math.max(a, b));
  const x = logScale(Math.max(min, max / 1e6), max, LEFT, RIGHT);
  const y = (part: number) => bottom - part * (bottom - top);
  const axes = [
    ...[0, 0.25, 0.5, 0.75, 0.95, 1].map(
      (part) => line(LEFT, y(part), RIGHT, y(part)) + text(LEFT - 8, y(part) + 4, share(part), 'end'),
    ),
    ...x.ticks.map((tick) => text(x(tick), bottom + 18, duration(tick), 'middle')),
  ];
  const lines = shown.map((curve, i) =>
    path(
      curve.points.map((point) => [x(point.ms), y(point.share)] as const),
      `c${i}`,
      `${curve.model}: ${count(curve.requests)} successful requests`,
    ),
  );
  const names = shown.map((curve, i) => ({ name: clean(curve.model), colour: `c${i}` }));
  return legend(names) + svg(256, 'Share of requests by latency, per model', [...axes, ...lines].join(''));
}

function duration(milliseconds: number): string {
  return milliseconds >= 1000 ? `${Number((milliseconds / 1000).toPrecision(3))} s` : ms(milliseconds);
}

/** What each model costs now and would cost, in the period of the logs. */
export function costChart(models: readonly ModelAssessment[], money: Money): string {
  const shown = models.filter((one) => one.currentUsd !== null || one.projectedUsd !== null).slice(0, 12);
  if (shown.length === 0) return '';
  const amounts = shown.flatMap((one) => [one.currentUsd ?? 0, one.projectedUsd ?? 0]);
  const [left, right] = [200, WIDTH - 90];
  const x = linearScale(Math.max(...amounts), left, right);
  const height = shown.length * 44 + 30;
  const bars = shown.map((one, i) => {
    const y = 8 + i * 44;
    const bar = (usd: number | null, offset: number, colour: string, label: string) =>
      usd === null
        ? ''
        : rect(left, y + offset, x(usd) - left, 14, colour, `${one.model} ${label}: ${money(usd)}`) +
          text(x(usd) + 6, y + offset + 12, money(usd));
    return [
      text(left - 8, y + 19, shorten(clean(one.model), 26), 'end'),
      bar(one.currentUsd, 0, 'c0', 'now'),
      bar(one.projectedUsd, 16, 'c1', 'projected'),
    ].join('');
  });
  const ticks = x.ticks.map(
    (tick) => line(x(tick), 4, x(tick), height - 26) + text(x(tick), height - 8, money(tick), 'middle'),
  );
  const names = [
    { name: 'now', colour: 'c0' },
    { name: 'projected', colour: 'c1' },
  ];
  return legend(names) + svg(height, 'Cost by model, now and projected', [...ticks, ...bars].join(''));
}

/** Requests of each day, with the failed ones in them. */
export function requestChart(days: readonly DayAssessment[]): string {
  return dailyChart(
    days,
    'Requests and errors by day',
    [
      { name: 'requests', colour: 'c0', of: (day) => day.requests },
      { name: 'errors', colour: 'c3', of: (day) => day.errors },
    ],
    count,
  );
}

/** Cost of each day, now and projected. */
export function dailyCostChart(days: readonly DayAssessment[], money: Money): string {
  const projected = days.some((day) => day.projectedUsd !== null);
  if (days.every((day) => day.currentUsd === null)) return '';
  const series: DailySeries[] = [{ name: 'now', colour: 'c0', of: (day) => day.currentUsd ?? 0 }];
  if (projected) series.push({ name: 'projected', colour: 'c1', of: (day) => day.projectedUsd ?? 0 });
  return dailyChart(days, 'Cost by day', series, money);
}

interface DailySeries {
  name: string;
  colour: string;
  of(day: DayAssessment): number;
}

function dailyChart(
  days: readonly DayAssessment[],
  label: string,
  series: readonly DailySeries[],
  format: (value: number) => string,
): string {
  if (days.length < 2) return '';
  const [top, bottom] = [10, 170];
  const most = days.flatMap((day) => series.map((one) => one.of(day))).reduce((a, b) => Math.max(a, b), 0);
  const y = linearScale(most, bottom, top);
  const slot = (RIGHT - LEFT) / days.length;
  const width = Math.max(0.5, (slot * 0.8) / series.length);
  const axes = y.ticks.map(
    (tick) => line(LEFT, y(tick), RIGHT, y(tick)) + text(LEFT - 8, y(tick) + 4, format(tick), 'end'),
  );
  const bars = days.flatMap((day, i) =>
    series.map((one, j) => {
      const value = one.of(day);
      const x = LEFT + i * slot + slot * 0.1 + j * width;
      return rect(
        x,
        y(value),
        width,
        bottom - y(value),
        one.colour,
        `${day.day}: ${format(value)} ${one.name}`,
      );
    }),
  );
  // A date takes about 70 units of room.
  const every = Math.ceil(70 / slot);
  const dates = days.flatMap((day, i) =>
    i % every === 0 ? [text(LEFT + (i + 0.5) * slot, bottom + 18, day.day.slice(5), 'middle')] : [],
  );
  return legend([...series]) + svg(196, label, [...axes, ...bars, ...dates].join(''));
}
