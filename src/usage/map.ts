import { clean } from '../clean.ts';
import type { Place, UsageMap } from '../config/usage-map.ts';
import { CutoverError, EXIT } from '../errors.ts';
import { countOfRequest, type Draft, deliver } from './build.ts';
import { serviceTierOf } from './dimensions.ts';
import { type Fields, optionalText, statusOf } from './fields.ts';
import type { Format, RawObject } from './format.ts';
import { createHeld } from './held.ts';
import { condition, getter, pathsOf } from './map-places.ts';
import { elapsed, isSet } from './nested.ts';
import { LATEST, parseTimestamp } from './time.ts';

const TIME_UNITS = { s: 1000, ms: 1, us: 1e-3, ns: 1e-6 } as const;
const MONEY_UNITS = { USD: 1, cents: 100 } as const;

const UNWANTED = 'not what the map asks for';

/**
 * The format that a mapping describes. Durations are milliseconds and money is USD unless a unit says otherwise.
 * @param name and title: how it is spoken of.
 * @throws CutoverError MAP_INVALID (exit 78) for a time to count from that is none.
 */
export function mappedFormat(
  map: UsageMap,
  name = 'map',
  title = 'a log of your own, read by usage.map of the config or by --map',
): Format {
  const isWanted = condition(map.where);
  const required = [map.model, map.inputTokens, map.outputTokens].map(getter);
  const draftOf = draftReader(map);
  const held = map.sameId === 'last' ? createHeld() : undefined;
  return {
    name,
    title,
    ...(map.caveat === undefined ? {} : { caveat: map.caveat }),
    fields: pathsOf(map),
    matches: (raw) => isWanted(raw) && required.every((get) => get(raw) !== undefined),
    read(raw, out, fields) {
      if (!isWanted(raw)) out.skip(UNWANTED);
      else deliver(draftOf(raw, fields), fields, held ? held.before(out) : out);
    },
    end: (out) => held?.release(out),
  };
}

function draftReader(map: UsageMap): (raw: RawObject, fields: Fields) => Draft {
  const text = (place: Place | undefined) => {
    const get = getter(place);
    return (raw: RawObject) => optionalText(get(raw));
  };
  const count = (field: keyof UsageMap & (`${string}Tokens` | 'searches')) => {
    const [get, name] = [getter(placeOf(map[field])), nameOf(map, field)];
    return (raw: RawObject, fields: Fields) => fields.optionalCount(get(raw), name);
  };
  const required = (field: 'inputTokens' | 'outputTokens') => {
    const [get, name] = [getter(map[field]), nameOf(map, field)];
    return (raw: RawObject, status: string, fields: Fields) => countOfRequest(status, get(raw), name, fields);
  };
  const duration = (field: 'latency' | 'ttft') => {
    const [get, name, unit] = [getter(map[field]), nameOf(map, field), msPer(map[field])];
    return (raw: RawObject, fields: Fields) => fields.duration(get(raw), name, unit);
  };
  const [idOf, providerOf, userOf] = [text(map.id), text(map.provider), text(map.user)];
  const [modelAt, statusAt, costAt] = [getter(map.model), getter(map.status), getter(map.cost)];
  const [tierAt, batchAt] = [getter(map.serviceTier), getter(map.batch)];
  const [timeOf, endOf] = [timeReader(map, 'at'), timeReader(map, 'end')];
  const [inputOf, outputOf] = [required('inputTokens'), required('outputTokens')];
  const [cachedOf, writtenOf, writtenFor1hOf] = [
    count('cachedInputTokens'),
    count('cacheWriteTokens'),
    count('cacheWrite1hTokens'),
  ];
  const [audioIn, cachedAudio, audioOut] = [
    count('audioInputTokens'),
    count('cachedAudioTokens'),
    count('audioOutputTokens'),
  ];
  const [imageIn, cachedImage, imageOut] = [
    count('imageInputTokens'),
    count('cachedImageTokens'),
    count('imageOutputTokens'),
  ];
  const [reasoning, searches] = [count('reasoningTokens'), count('searches')];
  const [latencyOf, ttftOf] = [duration('latency'), duration('ttft')];
  const [cacheApart, reasoningApart] = [exclusivity(map.cachedTokens), exclusivity(map.reasoning)];

  return (raw, fields) => {
    const [at, end] = [timeOf(raw, fields), endOf(raw, fields)];
    const status = statusOf(statusAt(raw));
    const cached = cachedOf(raw, fields);
    const writtenFor1h = writtenFor1hOf(raw, fields);
    const written = writtenOf(raw, fields) ?? writtenFor1h;
    const input = inputOf(raw, status, fields);
    const output = outputOf(raw, status, fields);
    const thought = reasoning(raw, fields);
    const inApart = input !== undefined && cacheApart(raw);
    const outApart = output !== undefined && reasoningApart(raw);
    return {
      id: idOf(raw),
      at,
      provider: providerOf(raw),
      model: fields.text(modelAt(raw), nameOf(map, 'model')),
      inputTokens: inApart ? input + (cached ?? 0) + (written ?? 0) : input,
      cachedInputTokens: cached,
      outputTokens: outApart ? output + (thought ?? 0) : output,
      dimensions: {
        cacheWrite: written,
        cacheWrite1h: writtenFor1h,
        audioInput: audioIn(raw, fields),
        cachedAudio: cachedAudio(raw, fields),
        imageInput: imageIn(raw, fields),
        cachedImage: cachedImage(raw, fields),
        audioOutput: audioOut(raw, fields),
        imageOutput: imageOut(raw, fields),
        reasoning: thought,
        searches: searches(raw, fields),
      },
      serviceTier: isSet(batchAt(raw)) ? 'batch' : serviceTierOf(tierAt(raw)),
      latencyMs: latencyOf(raw, fields) ?? elapsed(at, end),
      ttftMs: ttftOf(raw, fields),
      status,
      costUsd: fields.money(costAt(raw), nameOf(map, 'cost'), unitsPerUsd(map.cost)),
      user: userOf(raw),
    };
  };
}

/** A time, or one that counts from another. */
function timeReader(map: UsageMap, field: 'at' | 'end') {
  const [place, name] = [map[field], nameOf(map, field)];
  const get = getter(place);
  if (typeof place !== 'object' || !('from' in place)) {
    return (raw: RawObject, fields: Fields) => fields.timestamp(get(raw), name);
  }
  const [from, unit] = [parseTimestamp(place.from), msPer(place)];
  if (from === undefined) {
    throw new CutoverError(
      'MAP_INVALID',
      EXIT.config,
      `${field}.from of the map is not a time: ${clean(place.from)}`,
      {
        hint: 'write it like 2026-01-01T00:00:00Z',
      },
    );
  }
  return (raw: RawObject, fields: Fields) => {
    const after = fields.amount(get(raw), name);
    if (after === undefined) return undefined;
    const at = from + after * unit;
    if (at < LATEST) return at;
    fields.fail(`${name} is not a time`);
    return undefined;
  };
}

/** Whether a count of a record leaves the other one out. */
function exclusivity(holds: UsageMap['cachedTokens']): (raw: RawObject) => boolean {
  if (typeof holds === 'object') return condition(holds.exclusiveWhere);
  return () => holds === 'exclusive';
}

/** How a field is named in a reason: as the log has it. */
function nameOf(map: UsageMap, field: keyof UsageMap): string {
  return pathsOf({ [field]: map[field] })[0] ?? field;
}

function placeOf(place: UsageMap[keyof UsageMap]): Place | undefined {
  return place as Place | undefined;
}

function msPer(place: Place | undefined): number {
  return typeof place === 'object' && 'unit' in place ? TIME_UNITS[place.unit] : 1;
}

function unitsPerUsd(place: UsageMap['cost']): number {
  return typeof place === 'object' ? MONEY_UNITS[place.unit] : 1;
}
