import { GROUPINGS, type Grouping } from '../assess/groups.ts';
import type { WhatIf } from '../assess/what-if.ts';
import { clean } from '../clean.ts';
import { didYouMean } from '../config/suggest.ts';
import { parseDuration, parseRatio, parseShare } from '../config/units.ts';
import { CutoverError, EXIT } from '../errors.ts';
import type { Selection } from '../usage/select.ts';
import { parseTimestamp } from '../usage/time.ts';
import type { Zone } from '../usage/zone.ts';
import type { GlobalOptions } from './context.ts';

/** The flags of `cutover assess` as commander gives them. */
export interface AssessOptions extends GlobalOptions {
  source?: string;
  format?: string;
  listFormats?: boolean;
  map?: string;
  suggestMap?: boolean;
  maxBad: string;
  rejects?: string;
  dedupe?: boolean;
  last?: string;
  since?: string;
  until?: string;
  model: string[];
  provider: string[];
  user: string[];
  timezone?: string;
  by?: string;
  catalogue?: string;
  strictPrices?: boolean;
  cacheHit?: string;
  batchShare?: string;
  growth?: string;
  failUnder?: string;
  report: string;
  html?: string;
}

export const REPORTS = ['table', 'markdown', 'html', 'json'] as const;
export type ReportKind = (typeof REPORTS)[number];

/** What the flags mean, in plain units. */
export interface AssessPlan {
  report: ReportKind;
  maxBad: number;
  by: Grouping | undefined;
  whatIf: WhatIf;
  /** Percent. */
  failUnder: number | undefined;
  selection: Selection;
}

/**
 * @param now Unix milliseconds; @param zone for dates without a time.
 * @throws CutoverError BAD_OPTION (exit 64), naming the flag and how to write it.
 */
export function planOf(options: AssessOptions, now: number, zone: Zone): AssessPlan {
  return {
    report: options.json ? 'json' : oneOf('--report', options.report, REPORTS),
    maxBad: parsed('--max-bad', options.maxBad, parseRatio, '1% or 0.01') ?? 0,
    by: options.by === undefined ? undefined : oneOf('--by', options.by, GROUPINGS),
    whatIf: definedOnly({
      cacheHit: parsed('--cache-hit', options.cacheHit, parseRatio, '70% or 0.7'),
      batchShare: parsed('--batch-share', options.batchShare, parseRatio, '30% or 0.3'),
      growth: parsed('--growth', options.growth, parseGrowth, '10%, 0.1 or -5%'),
    }),
    failUnder: parsed('--fail-under', options.failUnder, parsePercent, '15 or 15%'),
    selection: selectionOf(options, now, zone),
  };
}

function selectionOf(options: AssessOptions, now: number, zone: Zone): Selection {
  if (options.last !== undefined && options.since !== undefined) {
    throw bad('--last and --since exclude each other', 'give one of them');
  }
  const last = parsed('--last', options.last, parseDuration, '30d or 12h');
  const when = (text: string) => momentOf(text, now, zone);
  const hint = '2026-08-01, 2026-08-01T12:00Z or 30d';
  const since = last === undefined ? parsed('--since', options.since, when, hint) : now - last;
  const until = parsed('--until', options.until, when, hint);
  if (since !== undefined && until !== undefined && since >= until) {
    throw bad('--since is not before --until', 'turn them round');
  }
  return {
    ...definedOnly({ since, until }),
    models: options.model,
    providers: options.provider,
    users: options.user,
  };
}

/** A date is the beginning of that day in the report's time zone, a duration is so long ago. */
function momentOf(text: string, now: number, zone: Zone): number | undefined {
  const ago = parseDuration(text);
  if (ago !== undefined) return now - ago;
  const at = parseTimestamp(text);
  if (at === undefined) return undefined;
  return /^\d{4}-\d{2}-\d{2}$/.test(text.trim()) ? zone.startOf(Math.floor(at / 86_400_000)) : at;
}

function parseGrowth(text: string): number | undefined {
  const negative = text.trim().startsWith('-');
  const size = parseShare(text.trim().replace(/^[+-]/, ''));
  if (size === undefined || (negative && size >= 1)) return undefined;
  return negative ? -size : size;
}

/** `15` and `15%` are both fifteen percent: savings are spoken of in percent. */
function parsePercent(text: string): number | undefined {
  const match = /^(-?\d+(?:\.\d+)?)\s*%?$/.exec(text.trim());
  return match ? Number(match[1]) : undefined;
}

function parsed<T>(
  flag: string,
  text: string | undefined,
  parse: (text: string) => T | undefined,
  example: string,
): T | undefined {
  if (text === undefined) return undefined;
  const value = parse(text);
  if (value === undefined) throw bad(`${flag} ${clean(text)} is not understood`, `write it like ${example}`);
  return value;
}

function oneOf<T extends string>(flag: string, text: string, known: readonly T[]): T {
  const found = known.find((each) => each === text);
  if (found === undefined) throw bad(`unknown ${flag} ${clean(text)}`, didYouMean(text, known));
  return found;
}

function bad(message: string, hint: string): CutoverError {
  return new CutoverError('BAD_OPTION', EXIT.usage, message, { hint });
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Leaves the keys out that have no value. */
function definedOnly<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>;
}
