// docs/figures.md, "The next 30 days" and "What is said beside it", written out step by step.
import { dateAfter, isWeekend } from './calendar.ts';

export interface Day {
  date: string;
  current: number;
  projected: number;
  share: number;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** Type 7, of values in any order. */
export function quantile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * p;
  const low = sorted[Math.floor(place)] as number;
  const high = sorted[Math.ceil(place)] as number;
  return low + (high - low) * (place - Math.floor(place));
}

/** Student's t: the value that |T| exceeds with that probability, by adding up the density. */
export function student(freedom: number, probability: number): number {
  // ∫ (1 + x²/f)^(−(f+1)/2) dx with x = √f tan φ is ∫ cos^(f−1) φ dφ · √f.
  const density = (phi: number) => Math.cos(phi) ** (freedom - 1);
  const half = integral(density, 0, Math.PI / 2);
  let [low, high] = [0, Math.PI / 2];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (integral(density, middle, Math.PI / 2) / half > probability) low = middle;
    else high = middle;
  }
  return Math.sqrt(freedom) * Math.tan((low + high) / 2);
}

/** By Simpson's rule. */
function integral(of: (x: number) => number, from: number, to: number): number {
  const steps = 2000;
  const width = (to - from) / steps;
  let total = 0;
  for (let i = 0; i <= steps; i++) {
    const weight = i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2;
    total += weight * of(from + i * width);
  }
  return (total * width) / 3;
}

/** The days of each kind, as indexes. */
function kinds(days: readonly Day[]): number[][] {
  const all = days.map((_, i) => i);
  const weekdays = all.filter((i) => !isWeekend((days[i] as Day).date));
  const weekends = all.filter((i) => isWeekend((days[i] as Day).date));
  const size = (of: number[]) => sum(of.map((i) => (days[i] as Day).share));
  const apart = size(weekdays) >= 1.5 && size(weekends) >= 1.5 && size(all) >= 4;
  return apart ? [weekdays, weekends] : [all];
}

export function nextMonth(days: readonly Day[]): { low: number; high: number } | undefined {
  const n = sum(days.map(({ share }) => share));
  if (days.length < 3 || n < 2.95) return undefined;
  const K = kinds(days);
  const figures = K.map((members) => {
    const size = sum(members.map((i) => (days[i] as Day).share));
    return {
      members,
      size,
      cost: sum(members.map((i) => (days[i] as Day).current)) / size,
      saving: sum(members.map((i) => (days[i] as Day).current - (days[i] as Day).projected)) / size,
    };
  });
  if (figures.every(({ cost }) => cost === 0)) return undefined;
  const r = days.map(({ current, projected, share }, i) => {
    const kind = figures.find(({ members }) => members.includes(i));
    if (!kind || kind.cost === 0) return 0;
    return ((current - projected) / share - kind.saving) / kind.cost;
  });
  const N = days.length;
  const squares = sum(r.map((value) => value ** 2));
  let rho = 0;
  if (squares > 0) {
    rho = sum(r.slice(1).map((value, i) => value * (r[i] as number))) / squares;
    rho += (K.length + 3 * Math.max(rho, 0)) / N;
    rho = Math.min(0.9, Math.max(0, rho));
  }
  const V = (m: number) => {
    let total = 1;
    for (let j = 1; j <= m - 1; j++) total += 2 * (1 - j / m) * rho ** j;
    return total;
  };
  const f = n - K.length;
  const weighted = sum(r.map((value, i) => (days[i] as Day).share * value ** 2));
  const variance1 = rho > 0 ? weighted / Math.max(n - K.length * V(Math.round(n)), 0.3 * n) : weighted / f;
  let expected = 0;
  let variance = 0;
  for (const { members, size, cost, saving } of figures) {
    const weekend = isWeekend((days[members[0] as number] as Day).date);
    let ahead = 0;
    for (let d = 1; d <= 30; d++) {
      const date = dateAfter((days[N - 1] as Day).date, d);
      if (K.length === 1 || isWeekend(date) === weekend) ahead++;
    }
    expected += ahead * saving;
    variance += variance1 * cost ** 2 * ((ahead ** 2 * V(Math.round(n))) / size + ahead * V(30));
  }
  const t = student(Math.max(2, (f * (1 - rho ** 2)) / (1 + rho ** 2)), 0.05);
  return { low: expected - t * Math.sqrt(variance), high: expected + t * Math.sqrt(variance) };
}

/** The percentage saved in 2,000 draws of days, 2.5 % to 97.5 %. */
export function percentDraws(days: readonly Day[]): { low: number; high: number } {
  let state = 1;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const percents: number[] = [];
  for (let draw = 0; draw < 2000; draw++) {
    const drawn = days.map(() => days[Math.floor(next() * days.length)] as Day);
    const current = sum(drawn.map((day) => day.current));
    const projected = sum(drawn.map((day) => day.projected));
    if (current > 0) percents.push((1 - projected / current) * 100);
  }
  return { low: quantile(percents, 0.025), high: quantile(percents, 0.975) };
}

export function heavy(days: readonly Day[]): { day: string; share: number }[] {
  const total = sum(days.map(({ current }) => current));
  if (total === 0 || days.length < 3) return [];
  const found: { day: string; share: number }[] = [];
  for (const members of kinds(days)) {
    const costs = members.map((i) => (days[i] as Day).current).sort((a, b) => a - b);
    const median = costs[Math.floor((costs.length - 1) / 2)] as number;
    for (const i of members) {
      const { date, current } = days[i] as Day;
      const others = (total - current) / (days.length - 1);
      if (
        (current > 0.3 * total && current > 3 * others) ||
        (current > 0.1 * total && current > 5 * median)
      ) {
        found.push({ day: date, share: current / total });
      }
    }
  }
  return found.sort((a, b) => b.share - a.share);
}

type Matrix = number[][];
const times = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) =>
    (b[0] as number[]).map((_, j) => sum(row.map((value, k) => value * ((b[k] as number[])[j] as number)))),
  );
const trace = (a: Matrix) => sum(a.map((row, i) => row[i] as number));

/** What is left of a vector when its projection on some others has been taken away, by Gram and Schmidt. */
function basisOf(columns: readonly number[][]): number[][] {
  const basis: number[][] = [];
  for (const column of columns) {
    let rest = [...column];
    for (const q of basis) {
      const along = sum(rest.map((value, i) => value * (q[i] as number)));
      rest = rest.map((value, i) => value - along * (q[i] as number));
    }
    const norm = Math.sqrt(sum(rest.map((value) => value ** 2)));
    basis.push(rest.map((value) => value / norm));
  }
  return basis;
}

export function pattern(days: readonly Day[]): { growth: number | null; memory: number | null } {
  const n = sum(days.map(({ share }) => share));
  if (n < 6.95) return { growth: null, memory: null };
  const N = days.length;
  const K = kinds(days);
  const y = days.map(() => 0);
  for (const members of K) {
    const costs = members.map((i) => (days[i] as Day).current / (days[i] as Day).share);
    const median = quantile(costs, 0.5);
    if (median === 0) continue;
    members.forEach((i, j) => {
      y[i] = Math.min(Math.log(5), Math.max(-Math.log(5), Math.log((costs[j] as number) / median)));
    });
  }
  // A regression of y on the kinds and the day's number.
  const columns = [
    ...K.map((members) => days.map((_, i) => (members.includes(i) ? 1 : 0))),
    days.map((_, i) => i),
  ];
  const Q = basisOf(columns);
  const last = Q[Q.length - 1] as number[];
  const along = Q.map((q) => sum(q.map((value, i) => value * (y[i] as number))));
  const e = y.map((value, i) => value - sum(Q.map((q, j) => (along[j] as number) * (q[i] as number))));
  // The last vector is the time less its means, at length 1: its length is √Σ t².
  const t = days.map((_, i) => {
    const members = K.find((each) => each.includes(i)) as number[];
    return i - sum(members) / members.length;
  });
  const length = Math.sqrt(sum(t.map((value) => value ** 2)));
  const b =
    ((along[along.length - 1] as number) / length) * Math.sign(sum(last.map((q, i) => q * (t[i] as number))));
  const squares = sum(e.map((value) => value ** 2));
  const f = N - K.length - 1;
  const rho = sum(e.slice(1).map((value, i) => value * (e[i] as number))) / squares;
  const restored = rho + (K.length + 1 + 3 * Math.max(rho, 0)) / N;
  const bounded = Math.min(0.95, Math.max(0, restored));
  const V = (1 + bounded) / (1 - bounded);
  const error = Math.sqrt((V * squares) / f) / length;
  const isTrend = Math.abs(b) > student(Math.max(2, f / V), 0.01) * error;

  const A: Matrix = days.map((_, i) => days.map((__, j) => (Math.abs(i - j) === 1 ? 0.5 : 0)));
  const M: Matrix = days.map((_, i) =>
    days.map((__, j) => (i === j ? 1 : 0) - sum(Q.map((q) => (q[i] as number) * (q[j] as number)))),
  );
  const MA = times(M, A);
  const mean = trace(MA) / f;
  const variance = (2 * (trace(times(MA, MA)) - f * mean ** 2)) / (f * (f + 2));
  const isMemory = n >= 13.95 && rho > mean + 1.8 * Math.sqrt(variance);
  return {
    growth: isTrend ? (Math.exp(b) - 1) * 100 : null,
    memory: isMemory ? Math.min(1, restored) : null,
  };
}
