import { stringify } from 'yaml';
import { isAbsent } from './fields.ts';
import type { Format, RawObject } from './format.ts';
import { WRAPPERS } from './recognise.ts';
import { parseTimestamp } from './time.ts';

/** A field of a log: its path, and a value that it has. */
interface Found {
  path: string;
  value: unknown;
}

export interface Suggestion {
  /** What would stand in a map; the fields that none of the log's looks like are missing. */
  map: Record<string, unknown>;
  /** Every field that was found. */
  fields: string[];
  /** Fields that a map must have and that were not found. */
  missing: string[];
}

/** So many objects are looked at. */
export const ENOUGH_OBJECTS = 200;
const MAX_DEPTH = 6;
const MAX_FIELDS = 200;

/** A format that takes anything, and only keeps it. */
export function collecting(keep: (raw: RawObject) => void): Format {
  const isWrapping = (raw: RawObject) =>
    WRAPPERS.some((name) => Array.isArray(raw[name]) && raw[name].some((each) => isObject(each)));
  return {
    name: 'any',
    title: 'anything',
    matches: (raw) => !isWrapping(raw),
    read(raw, out) {
      keep(raw);
      out.skip('looked at for its fields');
    },
  };
}

/** What the last name of a path may be, the likeliest first, written without anything but small letters and digits. */
const NAMES = {
  id: /^(requestid|id|uuid|generationid|traceid)$/,
  at: /^(timestamp|starttime|startedat|createdat|requesttime|time|ts|datetime|date|created)$/,
  end: /^(endtime|endedat|finishedat|completedat)$/,
  provider: /^(provider|providername|vendor|system)$/,
  model: /^(model|modelname|modelid|modelslug|llm|deployment|deploymentname)$/,
  inputTokens:
    /^(n?input(tokens|tokencount|length|tok)?|n?prompt(tokens|tokencount|length)|tokensin|tokensprompt|tokensinput|contexttokens|requesttokens|inputtokens?count)$/,
  cachedInputTokens:
    /^(cachedinputtokens|cachedtokens|cachereadinputtokens|cachereadtokens|cachedcontenttokencount|tokenscached)$/,
  cacheWriteTokens: /^(cachecreationinputtokens|cachewriteinputtokens|cachewritetokens|cachecreationtokens)$/,
  cacheWrite1hTokens: /^(ephemeral1hinputtokens)$/,
  outputTokens:
    /^(n?output(tokens|tokencount|length|tok)?|n?completion(tokens|tokencount|length)|tokensout|tokenscompletion|tokensoutput|generatedtokens|responsetokens|candidatestokencount|outputtokens?count)$/,
  reasoningTokens: /^(reasoningtokens|reasoningtokencount|thoughtstokencount|thinkingtokens)$/,
  latency:
    /^(latency|duration|elapsed|elapsedtime|responsetime|totaltime)(ms|s|sec|seconds|us|ns|msec|millis)?$/,
  ttft: /^(ttft|timetofirsttoken|firsttokenlatency|timetofirstbyte|ttfb)(ms|s|sec|seconds|us|ns|msec|millis)?$/,
  status: /^(status|statuscode|httpstatus|responsestatus|responsecode|errorclass)$/,
  cost: /^(cost|totalcost|spend|price|amount)(usd|cents|dollars)?$/,
  user: /^(user|userid|enduser|customerid)$/,
  serviceTier: /^(servicetier)$/,
} as const;
const NUMBERS = new Set<string>(Object.keys(NAMES).filter((name) => /Tokens$|latency|ttft|cost/.test(name)));
const REQUIRED = ['model', 'inputTokens', 'outputTokens'] as const;

/** A map to begin with, by what the fields are called and what they hold. */
export function suggestMap(objects: readonly RawObject[]): Suggestion {
  const found = new Map<string, Found>();
  for (const object of objects) collect(object, '', 0, found);
  const fields = [...found.values()];
  const map: Record<string, unknown> = {};
  for (const [field, pattern] of Object.entries(NAMES)) {
    const fitting = fields.filter(({ path, value }) => pattern.test(lastName(path)) && fits(field, value));
    // The shortest path is nearest to the record itself.
    const best = fitting.sort((a, b) => depth(a.path) - depth(b.path))[0];
    if (best) map[field] = placeOf(field, best);
  }
  return {
    map,
    fields: fields.map(({ path }) => path),
    missing: REQUIRED.filter((field) => !(field in map)),
  };
}

/** The suggestion as a file for `--map`: names of fields only, nothing of what they hold. */
export function suggestionText({ map, fields, missing }: Suggestion): string {
  const lines = [
    '# A map to begin with, guessed from names: look at each line, units above all. docs/sources.md has all that a map can say.',
    ...missing.map(
      (field) => `# ${field}: is needed, and no field looks like it (one for all: { value: … })`,
    ),
    stringify(map, { lineWidth: 0, flowCollectionPadding: true }).trimEnd(),
    '# cachedTokens: exclusive   # where inputTokens leave the cached ones out',
    '# where: { type: request }  # which records are requests',
    `# The fields found: ${fields.join(', ')}`,
  ];
  return lines.filter((line) => line !== '{}').join('\n');
}

function collect(value: unknown, path: string, level: number, found: Map<string, Found>): void {
  if (level > MAX_DEPTH || found.size >= MAX_FIELDS) return;
  const holder = parsed(value);
  if (isObject(holder)) {
    for (const [key, inner] of Object.entries(holder)) {
      collect(inner, path === '' ? key : `${path}.${key}`, level + 1, found);
    }
  } else if (Array.isArray(holder)) {
    collect(holder[0], `${path}.0`, level + 1, found);
  } else if (!isAbsent(holder) && !found.has(path)) found.set(path, { path, value: holder });
}

/** What a text holds as JSON, as logs in tables do. */
function parsed(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    // Text that only looks like it.
    return value;
  }
}

function lastName(path: string): string {
  const name = path.replace(/^.*\./, '').toLowerCase();
  return name.replace(/^\$?(gen_?ai|ai|llm)_/, '').replace(/[^a-z0-9]/g, '');
}

function depth(path: string): number {
  return path.split('.').length;
}

function fits(field: string, value: unknown): boolean {
  if (field === 'model' || field === 'provider') return typeof value === 'string';
  if (field === 'at' || field === 'end') return parseTimestamp(value) !== undefined || isNumber(value);
  return NUMBERS.has(field) ? isNumber(value) : typeof value !== 'object';
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number' || (typeof value === 'string' && /^\s*\d+(\.\d+)?\s*$/.test(value));
}

function placeOf(field: string, { path, value }: Found): unknown {
  const name = lastName(path);
  if (field === 'latency' || field === 'ttft') return { path, unit: unitOf(name, Number(value)) };
  if (field === 'cost') return { path, unit: /cents$/.test(name) ? 'cents' : 'USD' };
  const isRelative = (field === 'at' || field === 'end') && parseTimestamp(value) === undefined;
  if (isRelative) return { path, unit: 's', from: '2026-01-01T00:00:00Z' };
  return path;
}

/** The unit that a name ends in; else, as few answers take less than half a second, that of the number's size. */
function unitOf(name: string, value: number): string {
  if (/(ms|msec|millis)$/.test(name)) return 'ms';
  if (/(s|sec|seconds)$/.test(name) && !/(us|ns)$/.test(name)) return 's';
  if (/us$/.test(name)) return 'us';
  if (/ns$/.test(name)) return 'ns';
  return value < 100 ? 's' : 'ms';
}

function isObject(value: unknown): value is RawObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
