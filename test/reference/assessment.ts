// The document of `assess --json`, made again from docs/json.md and docs/figures.md: slowly, from single records.
import { dateAfter, localDate, localHour, startOf } from './calendar.ts';
import { type Day, heavy, nextMonth, pattern, percentDraws, quantile } from './statistics.ts';

/** A line of the native format; `status` is 200 or a class of errors. */
export interface Line {
  id?: string;
  timestamp?: string;
  provider?: string;
  model: string;
  input_tokens: number;
  cached_input_tokens?: number;
  output_tokens: number;
  latency_ms?: number;
  ttft_ms?: number;
  status?: number | string;
  cost?: number;
  user?: string;
}

/** USD per million tokens. */
export interface Prices {
  input: number;
  cachedInput: number;
  output: number;
  /** Above so many input tokens, all take these. */
  above?: { start: number; input: number; cachedInput: number; output: number };
  batch?: { input: number; output: number };
}

export interface Question {
  lines: readonly Line[];
  zone: string;
  /** By model; `"*"` for others. What is not in the config may be in the price list. */
  legacy: Readonly<Record<string, Prices>>;
  target: Readonly<Record<string, Prices>>;
  /** `date` is when it was written, as `2026-09-23`. */
  list?: { name: string; date: string; prices: Readonly<Record<string, Prices>> };
  models: Readonly<Record<string, string>>;
  drift: Readonly<Record<string, number>>;
  dedupe?: boolean;
  since?: number;
  until?: number;
  only?: string;
  by?: 'model' | 'user' | 'day' | 'hour';
  growth?: number;
  cacheHit?: number;
  batchShare?: number;
  failUnder?: number;
  currency?: { code: string; perUsd: number };
  /** Rungs of the ladder; the margin of errors is half a percentage point. */
  stages: number;
}

const DAY = 86_400_000;
const PAIRS_AT_HALF_A_POINT = 905;

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const isOk = (line: Line) => line.status === undefined || line.status === 200;
const isBilled = (line: Line) => isOk(line) || line.status === 'cancelled' || (line.cost ?? 0) > 0;
const tokens = (line: Line) => line.input_tokens + line.output_tokens;
const timeOf = (line: Line) => (line.timestamp === undefined ? undefined : Date.parse(line.timestamp));

function priceOf(prices: Prices, input: number, cached: number, output: number): number {
  const rate = prices.above && input > prices.above.start ? prices.above : prices;
  return ((input - cached) * rate.input + cached * rate.cachedInput + output * rate.output) / 1e6;
}

const percentiles = (values: readonly number[]) =>
  values.length === 0
    ? null
    : { p50: quantile(values, 0.5), p95: quantile(values, 0.95), p99: quantile(values, 0.99) };
const latencies = (lines: readonly Line[]) =>
  percentiles(lines.filter(isOk).flatMap((line) => line.latency_ms ?? []));
const ttfts = (lines: readonly Line[]) =>
  percentiles(lines.filter(isOk).flatMap((line) => line.ttft_ms ?? []));

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

export function reference(question: Question): Record<string, unknown> {
  const { lines, zone, growth = 0 } = question;

  // Which records are used.
  const filtered: string[] = [];
  const seen = new Set<string>();
  const used: Line[] = [];
  for (const line of lines) {
    const at = timeOf(line);
    const why =
      (question.since !== undefined || question.until !== undefined) && at === undefined
        ? 'without a time'
        : question.since !== undefined && (at as number) < question.since
          ? 'before --since'
          : question.until !== undefined && (at as number) >= question.until
            ? 'after --until'
            : question.only !== undefined && line.model !== question.only
              ? 'of another model'
              : question.dedupe && line.id !== undefined && seen.has(line.id)
                ? 'a duplicate'
                : undefined;
    if (why !== undefined) {
      filtered.push(why);
      continue;
    }
    if (line.id !== undefined) seen.add(line.id);
    used.push(line);
  }

  // The period.
  const times = used.flatMap((line) => timeOf(line) ?? []);
  const first = Math.min(...times);
  const last = Math.max(...times);
  const gap = (last - first) / (times.length - 1);
  const begin = filtered.includes('before --since') ? (question.since as number) : first;
  const cutEnd = filtered.includes('after --until') ? question.until : undefined;
  const days = ((cutEnd ?? last + gap) - begin) / DAY;
  const end = begin + days * DAY;
  const month = (30 / days) * (1 + growth);

  // What each record costs, on both sides.
  const names = [...new Set(used.map((line) => line.model))];
  const priced = names.map((model) => {
    const own = used.filter((line) => line.model === model);
    const billed = own.filter(isBilled);
    const config = question.legacy[model] ?? question.legacy['*'];
    const listed = question.list?.prices[model];
    const reports = billed.length > 0 && billed.every((line) => line.cost !== undefined);
    const legacy = config ?? listed;
    const recomputed = (line: Line) =>
      legacy && priceOf(legacy, line.input_tokens, line.cached_input_tokens ?? 0, line.output_tokens);
    const listPrice = config ? 'config' : listed && question.list?.name;
    const reported = reports && config === undefined;
    const current = (line: Line) => (reported ? line.cost : recomputed(line));
    const targetModel = question.models[model] ?? question.models['*'] ?? model;
    const offer = question.target[targetModel] ?? question.target['*'] ?? question.list?.prices[targetModel];
    const drift = question.drift[model] ?? question.drift['*'] ?? 1;
    const at = (line: Line, cacheHit: number | undefined, batchShare: number | undefined) => {
      if (!offer) return undefined;
      const input = line.input_tokens * drift;
      const cached = cacheHit === undefined ? (line.cached_input_tokens ?? 0) * drift : input * cacheHit;
      const output = line.output_tokens * drift;
      const usual = priceOf(offer, input, cached, output);
      if (batchShare === undefined) return usual;
      const { batch } = offer;
      if (!batch) throw new Error('the question has no batch price');
      // A batch price without one for cached tokens takes its own for the input.
      return (1 - batchShare) * usual + (batchShare * (input * batch.input + output * batch.output)) / 1e6;
    };
    const comparable = billed.length > 0 && (reported || legacy !== undefined) && offer !== undefined;
    return {
      model,
      targetModel,
      own,
      billed,
      comparable,
      current,
      recomputed,
      reports,
      projected: (line: Line) => at(line, question.cacheHit, question.batchShare),
      plain: (line: Line) => at(line, undefined, undefined),
      hasCurrent: reported || legacy !== undefined,
      hasTarget: offer !== undefined,
      listPrice,
      currentPrice: reported ? 'reported by the logs' : (listPrice ?? null),
      targetPrice: !offer
        ? null
        : (question.target[targetModel] ?? question.target['*'])
          ? 'config'
          : question.list?.name,
    };
  });
  type Priced = (typeof priced)[number];
  const total = (models: readonly Priced[], of: (line: Line, model: Priced) => number | undefined) =>
    sum(models.flatMap((model) => model.billed.map((line) => of(line, model) as number)));
  const comparables = priced.filter(({ comparable }) => comparable);
  const currentUsd = total(comparables, (line, model) => model.current(line));
  const projectedUsd = total(comparables, (line, model) => model.projected(line));
  const plainUsd = total(comparables, (line, model) => model.plain(line));
  const saved = currentUsd - projectedUsd;
  const recomputable = priced.filter(
    (model) => model.billed.length > 0 && model.billed.every((line) => model.recomputed(line) !== undefined),
  );
  const both = recomputable.filter(({ reports }) => reports);
  const reportedOfBoth = total(both, (line) => line.cost);
  const recomputedOfBoth = total(both, (line, model) => model.recomputed(line));

  // Day by day.
  const dates: string[] = [];
  const lastDate = localDate(Math.min(end - 1, cutEnd ?? last), zone);
  for (let date = localDate(begin, zone); date <= lastDate; date = dateAfter(date)) dates.push(date);
  const costOf = (model: Priced, wanted: (line: Line) => boolean, of: (line: Line) => number | undefined) =>
    sum(model.billed.filter(wanted).map((line) => of(line) as number));
  const on = (date: string) => (line: Line) => {
    const at = timeOf(line);
    return at !== undefined && localDate(at, zone) === date;
  };
  const perDay: Day[] = dates.map((date) => {
    const [from, to] = [startOf(date, zone), startOf(dateAfter(date), zone)];
    return {
      date,
      current: sum(comparables.map((model) => costOf(model, on(date), model.current))),
      projected: sum(comparables.map((model) => costOf(model, on(date), model.projected))),
      share: (Math.min(to, end) - Math.max(from, begin)) / (to - from),
    };
  });
  const ahead = nextMonth(perDay);
  const draws = percentDraws(perDay);
  const found = pattern(perDay);
  const heavyDays = heavy(perDay);

  const percent = (saved / currentUsd) * 100;
  const doubts = [
    ...(Number(days.toFixed(1)) < 3
      ? ['too_few_days']
      : Number(days.toFixed(1)) < 7
        ? ['less_than_a_week']
        : []),
    ...(used.length < 1000 ? ['too_few_requests'] : []),
    ...(found.growth === null ? [] : ['trend']),
    ...(found.memory === null ? [] : ['memory']),
    ...(heavyDays.length === 0 ? [] : ['heavy_days']),
  ];
  const enough = !doubts.includes('too_few_days') && !doubts.includes('too_few_requests');
  const low = ahead ? draws.low : percent;
  const lastDays: Day[] = [];
  for (const day of [...perDay].reverse()) {
    if (sum(lastDays.map(({ share }) => share)) < 6.5) lastDays.push(day);
  }
  const covered = sum(lastDays.map(({ share }) => share));
  const rate = (of: (day: Day) => number) => ((sum(lastDays.map(of)) * 30) / covered) * (1 + growth);

  // Groups.
  const keyOf = (line: Line): string => {
    if (question.by === 'model') return line.model;
    if (question.by === 'user') return line.user ?? '(no user)';
    const at = timeOf(line);
    if (at === undefined) return '(no time)';
    return question.by === 'day' ? localDate(at, zone) : localHour(at, zone);
  };
  const groups = [...new Set(used.map(keyOf))].map((key) => {
    const members = used.filter((line) => keyOf(line) === key);
    const concerned = comparables.filter(({ own }) => own.some((line) => keyOf(line) === key));
    const cost = (of: (model: Priced) => (line: Line) => number | undefined) =>
      concerned.length === 0
        ? null
        : sum(concerned.map((model) => costOf(model, (line) => keyOf(line) === key, of(model))));
    return {
      key,
      requests: members.length,
      errors: members.filter((line) => !isOk(line)).length,
      tokens: sum(members.map(tokens)),
      latencyMs: latencies(members),
      ttftMs: ttfts(members),
      currentUsd: cost((model) => model.current),
      projectedUsd: cost((model) => model.projected),
    };
  });
  const inOrder = question.by === 'day' || question.by === 'hour';
  const byKey = (a: { key: string }, b: { key: string }) => (a.key < b.key ? -1 : 1);
  groups.sort((a, b) => (inOrder ? byKey(a, b) : b.tokens - a.tokens || byKey(a, b)));

  // A list that only tells what the reported costs would have been is used, too.
  const origins = ['config', question.list?.name].filter((name) =>
    priced.some(
      ({ billed, listPrice, targetPrice }) => billed.length > 0 && [listPrice, targetPrice].includes(name),
    ),
  );
  const all = sum(used.map(tokens));
  const bySize = [...priced].sort(
    (a, b) => sum(b.own.map(tokens)) - sum(a.own.map(tokens)) || (a.model < b.model ? -1 : 1),
  );
  const assumed =
    question.cacheHit !== undefined || question.batchShare !== undefined || question.growth !== undefined;
  return {
    schemaVersion: 1,
    command: 'assess',
    partial: false,
    records: {
      read: lines.length,
      used: used.length,
      filtered: filtered.length,
      rejected: 0,
      rejectedByReason: {},
      filteredByReason: countBy(filtered),
    },
    period: {
      from: new Date(begin).toISOString(),
      to: new Date(cutEnd ?? last).toISOString(),
      days,
      timezone: zone,
    },
    requests: {
      total: used.length,
      ok: used.filter(isOk).length,
      errors: used.filter((line) => !isOk(line)).length,
      errorsByClass: countBy(used.filter((line) => !isOk(line)).map(({ status }) => String(status))),
    },
    tokens: {
      input: sum(used.map((line) => line.input_tokens)),
      cachedInput: sum(used.map((line) => line.cached_input_tokens ?? 0)),
      output: sum(used.map((line) => line.output_tokens)),
      total: all,
      dailyAverage: all / days,
      byModel: Object.fromEntries(priced.map(({ model, own }) => [model, sum(own.map(tokens))])),
      unbilled: sum(used.filter((line) => !isBilled(line)).map(tokens)),
      // The lines above tell of no dimension but cached input, and each has its counts.
      byDimension: {},
      untoldRequests: 0,
    },
    searches: null,
    latencyMs: latencies(used),
    ttftMs: ttfts(used),
    cost: {
      reportedUsd: used.some(({ cost }) => cost !== undefined)
        ? sum(used.map(({ cost }) => cost ?? 0))
        : null,
      recomputedUsd:
        recomputable.length === 0 ? null : total(recomputable, (line, model) => model.recomputed(line)),
      difference:
        both.length === 0
          ? null
          : {
              reportedUsd: reportedOfBoth,
              recomputedUsd: recomputedOfBoth,
              percent: (recomputedOfBoth / reportedOfBoth - 1) * 100,
            },
      currentUsd,
      projectedUsd,
      monthlyCurrentUsd: currentUsd * month,
      monthlyProjectedUsd: projectedUsd * month,
    },
    savings: {
      periodUsd: saved,
      monthlyUsd: saved * month,
      yearlyUsd: saved * month * 12,
      percent,
      interval95: ahead
        ? {
            low: ahead.low * (1 + growth),
            high: ahead.high * (1 + growth),
            lowPercent: draws.low,
            highPercent: draws.high,
          }
        : null,
    },
    whatIf: assumed
      ? {
          ...(question.cacheHit === undefined ? {} : { cacheHit: question.cacheHit }),
          ...(question.batchShare === undefined ? {} : { batchShare: question.batchShare }),
          ...(question.growth === undefined ? {} : { growth: question.growth }),
          plainProjectedUsd: plainUsd,
          plainMonthlyProjectedUsd: plainUsd * month,
        }
      : null,
    migrationWindow: {
      stages: question.stages,
      pairsPerStage: PAIRS_AT_HALF_A_POINT,
      probesUsd:
        (question.stages * PAIRS_AT_HALF_A_POINT * (currentUsd + projectedUsd)) /
        sum(comparables.map(({ own }) => own.filter(isOk).length)),
    },
    models: bySize.map((one) => ({
      model: one.model,
      targetModel: one.targetModel,
      requests: one.own.length,
      errors: one.own.filter((line) => !isOk(line)).length,
      tokens: sum(one.own.map(tokens)),
      latencyMs: latencies(one.own),
      ttftMs: ttfts(one.own),
      currentUsd: one.billed.length > 0 && one.hasCurrent ? costOf(one, () => true, one.current) : null,
      projectedUsd: one.billed.length > 0 && one.hasTarget ? costOf(one, () => true, one.projected) : null,
      currentPrice: one.billed.length > 0 ? one.currentPrice : null,
      targetPrice: one.billed.length > 0 ? one.targetPrice : null,
    })),
    groups: question.by === undefined ? null : { by: question.by, groups },
    days: perDay.map(({ date, current, projected }) => ({
      day: date,
      requests: used.filter(on(date)).length,
      errors: used.filter((line) => on(date)(line) && !isOk(line)).length,
      currentUsd: current,
      projectedUsd: projected,
    })),
    unpriced: bySize
      .filter((one) => one.billed.length > 0 && !one.comparable)
      .map((one) => ({
        model: one.model,
        tokens: sum(one.own.map(tokens)),
        share: sum(one.own.map(tokens)) / all,
        missing: one.hasTarget ? 'current' : one.hasCurrent ? 'target' : 'both',
      })),
    recommendation: { level: !enough ? null : low > 30 ? 'HIGH' : low > 15 ? 'MEDIUM' : 'LOW' },
    threshold:
      question.failUnder === undefined
        ? null
        : {
            failUnder: question.failUnder,
            judged: low,
            verdict: !enough ? 'INCONCLUSIVE' : low < question.failUnder ? 'FAIL' : 'PASS',
          },
    confidence: { enough, days, requests: used.length, autocorrelation: found.memory, doubts },
    trend:
      found.growth === null
        ? null
        : {
            percentPerDay: found.growth,
            lastWeek: {
              days: covered,
              monthlyCurrentUsd: rate((day) => day.current),
              monthlyProjectedUsd: rate((day) => day.projected),
              monthlySavedUsd: rate((day) => day.current - day.projected),
            },
          },
    heavyDays,
    prices: origins.map((name) => ({ name, date: name === 'config' ? null : question.list?.date })),
    priceGaps: [],
    ...(question.currency ? { currency: question.currency } : {}),
  };
}
