// Made-up logs of daily costs, and what is said of the 30 days that follow them. Seeded: the same figures each time.
import { dayPattern } from '../../src/assess/day-pattern.ts';
import type { DayCost } from '../../src/assess/days.ts';
import { heavyDays } from '../../src/assess/heavy-days.ts';
import { monthAhead } from '../../src/assess/month-ahead.ts';

const AHEAD = 30;
/** The target asks so much of what legacy does. */
const PROJECTED = 0.4;

type Random = () => number;

/** mulberry32: numbers in [0, 1). */
function generator(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Of the normal law with mean 0 and deviation 1 (Box & Muller 1958). */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** What makes a day's cost out of its number and what came before; costs are around 100. */
type Law = (random: Random, days: readonly number[]) => number[];

const spread = (random: Random, deviation: number) =>
  Math.exp(deviation * normal(random) - deviation ** 2 / 2);
const isWeekend = (day: number) => [2, 3].includes(day % 7);
const weekly = (day: number) => (isWeekend(day) ? 0.3 : 1);
const independent =
  (deviation: number): Law =>
  (random, days) =>
    days.map(() => 100 * spread(random, deviation));
const weekends =
  (deviation: number): Law =>
  (random, days) =>
    days.map((day) => 100 * weekly(day) * spread(random, deviation));
const growing =
  (rate: number, law: Law): Law =>
  (random, days) =>
    law(random, days).map((cost, i) => cost * (1 + rate) ** i);
/** Each day resembles the day before. */
const remembering =
  (correlation: number, deviation: number): Law =>
  (random, days) => {
    let state = normal(random);
    return days.map(() => {
      state = correlation * state + Math.sqrt(1 - correlation ** 2) * normal(random);
      return 100 * Math.exp(deviation * state);
    });
  };
/** One day of the log is a multiple of what it would be. */
const withHeavyDay =
  (times: number, law: Law): Law =>
  (random, days) => {
    const costs = law(random, days);
    const at = Math.floor(random() * (days.length - AHEAD));
    return costs.map((cost, i) => (i === at ? cost * times : cost));
  };

const LAWS: Record<string, Law> = {
  'independent, 10 %': independent(0.1),
  'independent, 30 %': independent(0.3),
  'weekends, 15 %': weekends(0.15),
  'weekends, 30 %': weekends(0.3),
  'growth 1 % a day': growing(0.01, independent(0.15)),
  'growth 3 % a day': growing(0.03, independent(0.15)),
  'growth 3 %, weekends': growing(0.03, weekends(0.15)),
  'shrinks 3 % a day': growing(-0.03, independent(0.15)),
  'memory 0.6': remembering(0.6, 0.3),
  'memory 0.8': remembering(0.8, 0.3),
  'a day of 25 times': withHeavyDay(25, independent(0.3)),
  'the same, weekends': withHeavyDay(25, weekends(0.15)),
};

interface Logs {
  /** In the interval; said of the log. Shares of all logs. */
  covered: number;
  trend: number;
  memory: number;
  heavy: number;
  /** The interval's width and the month's error, in parts of what the month was. */
  width: number;
  error: number;
}

function simulate(law: Law, length: number, count: number, seed: number): Logs {
  const random = generator(seed);
  const sums = { covered: 0, trend: 0, memory: 0, heavy: 0, width: 0, error: 0 };
  for (let log = 0; log < count; log++) {
    const first = 20_000 + Math.floor(random() * 7);
    const numbers = Array.from({ length: length + AHEAD }, (_, i) => first + i);
    const all: DayCost[] = law(random, numbers).map((cost, i) => ({
      day: numbers[i] as number,
      currentUsd: cost,
      projectedUsd: cost * PROJECTED,
      share: 1,
    }));
    const days = all.slice(0, length);
    const month = all.slice(length).reduce((sum, day) => sum + day.currentUsd - day.projectedUsd, 0);
    const found = monthAhead(days);
    const pattern = dayPattern(days);
    if (!found) throw new Error('a log of so many days has an interval');
    if (found.low <= month && month <= found.high) sums.covered++;
    if (pattern.percentPerDay !== undefined) sums.trend++;
    if (pattern.autocorrelation !== undefined) sums.memory++;
    if (heavyDays(days).length > 0) sums.heavy++;
    sums.width += (found.high - found.low) / month;
    sums.error += (found.expected - month) / month;
  }
  const mean = (sum: number) => (100 * sum) / count;
  return {
    covered: mean(sums.covered),
    trend: mean(sums.trend),
    memory: mean(sums.memory),
    heavy: mean(sums.heavy),
    width: mean(sums.width),
    error: mean(sums.error),
  };
}

/** @param words how many logs of each kind. @returns whether every figure is within its bounds. */
export function run([words = '4000']: readonly string[]): boolean {
  const count = Number(words);
  const broken: string[] = [];
  const within = (what: string, value: number, low: number, high: number) => {
    if (value < low || value > high) broken.push(`${what}: ${value.toFixed(1)} % is not ${low} to ${high} %`);
  };
  for (const length of [7, 14, 30]) {
    console.log(`\nlogs of ${length} days, ${count} of each kind; percent of them`);
    console.log(`${''.padEnd(24)}  covered   width   error   trend  memory   heavy`);
    for (const [i, [name, law]] of Object.entries(LAWS).entries()) {
      const logs = simulate(law, length, count, 1000 * length + i);
      const { covered, width, error, trend, memory, heavy } = logs;
      const figures = [covered, width, error, trend, memory, heavy].map((value) =>
        value.toFixed(1).padStart(8),
      );
      console.log(name.padEnd(24) + figures.join(''));
      const what = `${length} days, ${name}`;
      if (/^(independent|weekends)/.test(name)) within(`${what}: covered`, covered, 92, 97);
      const grows = /^(growth|shrinks)/.test(name);
      const remembers = name.startsWith('memory');
      const isHeavy = /25 times|the same/.test(name);
      if (!grows && !remembers) within(`${what}: trend`, trend, 0, 5);
      if (!remembers) within(`${what}: memory`, memory, 0, 5);
      within(`${what}: heavy`, heavy, isHeavy ? 95 : 0, isHeavy ? 100 : 5);
      // What a month of days can show; shorter logs show less of it, which is printed.
      if (length < 30) continue;
      if (/3 %/.test(name) && grows) within(`${what}: trend`, trend, 95, 100);
      if (remembers) within(`${what}: trend`, trend, 0, 5);
      if (name === 'memory 0.8') within(`${what}: memory`, memory, 95, 100);
    }
  }
  console.log(
    broken.length === 0 ? '\nall within their bounds' : `\nout of bounds:\n  ${broken.join('\n  ')}`,
  );
  return broken.length === 0;
}
