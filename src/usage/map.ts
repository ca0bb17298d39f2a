import type { UsageMap } from '../config/usage-map.ts';
import { deliver } from './build.ts';
import { type Fields, optionalText, statusOf } from './fields.ts';
import type { Format, RawObject } from './format.ts';
import { elapsed, isSet } from './nested.ts';

const TIME_UNITS = { s: 1000, ms: 1, us: 1e-3, ns: 1e-6 } as const;
const MONEY_UNITS = { USD: 1, cents: 100 } as const;

type Getter = (raw: RawObject) => unknown;

/** The format that a mapping describes. Durations are milliseconds and money is USD unless a unit says otherwise. */
export function mappedFormat(map: UsageMap): Format {
  const get = {
    id: getter(map.id),
    at: getter(map.at),
    end: getter(map.end),
    provider: getter(map.provider),
    model: getter(map.model),
    input: getter(map.inputTokens),
    cached: getter(map.cachedInputTokens),
    written: getter(map.cacheWriteTokens),
    output: getter(map.outputTokens),
    latency: getter(map.latency),
    ttft: getter(map.ttft),
    status: getter(map.status),
    cost: getter(map.cost),
    user: getter(map.user),
    batch: getter(map.batch),
  };
  const { cachedTokens, ...places } = map;
  const exclusive = cachedTokens === 'exclusive';
  const nameOf = (field: keyof UsageMap) => pathOf(map[field]) ?? field;
  const read = (raw: RawObject, fields: Fields) => {
    const at = fields.timestamp(get.at(raw), nameOf('at'));
    const end = fields.timestamp(get.end(raw), nameOf('end'));
    const cached = fields.countOr(get.cached(raw), nameOf('cachedInputTokens'), 0);
    const written = fields.countOr(get.written(raw), nameOf('cacheWriteTokens'), 0);
    const input = fields.count(get.input(raw), nameOf('inputTokens'));
    const latencyMs = fields.duration(get.latency(raw), nameOf('latency'), msPer(map.latency));
    return {
      id: optionalText(get.id(raw)),
      at,
      provider: optionalText(get.provider(raw)),
      model: fields.text(get.model(raw), nameOf('model')),
      inputTokens: exclusive ? input + cached + written : input,
      cachedInputTokens: cached,
      cacheWriteTokens: written,
      outputTokens: fields.count(get.output(raw), nameOf('outputTokens')),
      latencyMs: latencyMs ?? elapsed(at, end),
      ttftMs: fields.duration(get.ttft(raw), nameOf('ttft'), msPer(map.ttft)),
      status: statusOf(get.status(raw)),
      costUsd: fields.money(get.cost(raw), nameOf('cost'), unitsPerUsd(map.cost)),
      user: optionalText(get.user(raw)),
      batch: isSet(get.batch(raw)),
    };
  };
  return {
    name: 'map',
    title: 'a log of your own, read by usage.map of the config or by --map',
    fields: Object.values(places).flatMap((place) => pathOf(place) ?? []),
    matches: (raw) => [get.model, get.input, get.output].every((each) => each(raw) !== undefined),
    read: (raw, out, fields) => deliver(read(raw, fields), fields, out),
  };
}

type Place = string | { path: string } | { value: string | number } | undefined;

function getter(place: Place): Getter {
  if (place === undefined) return () => undefined;
  if (typeof place === 'object' && 'value' in place) return () => place.value;
  const path = typeof place === 'string' ? place : place.path;
  const keys = path.split('.');
  return (raw) => {
    // A CSV header may hold dots itself.
    if (Object.hasOwn(raw, path)) return raw[path];
    let value: unknown = raw;
    for (const key of keys) {
      value = step(value, key);
      if (value === undefined) return undefined;
    }
    return value;
  };
}

function step(value: unknown, key: string): unknown {
  let holder = value;
  if (typeof holder === 'string' && /^\s*[[{]/.test(holder)) {
    try {
      holder = JSON.parse(holder);
    } catch {
      // Text that only looks like JSON has no fields.
      return undefined;
    }
  }
  if (typeof holder !== 'object' || holder === null || !Object.hasOwn(holder, key)) return undefined;
  return (holder as Record<string, unknown>)[key];
}

function pathOf(place: unknown): string | undefined {
  if (typeof place === 'string') return place;
  return typeof place === 'object' && place !== null && 'path' in place ? String(place.path) : undefined;
}

function msPer(place: UsageMap['latency']): number {
  return typeof place === 'object' ? TIME_UNITS[place.unit] : 1;
}

function unitsPerUsd(place: UsageMap['cost']): number {
  return typeof place === 'object' ? MONEY_UNITS[place.unit] : 1;
}
