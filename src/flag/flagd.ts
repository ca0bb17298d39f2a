import { CutoverError, EXIT } from '../errors.ts';
import type { Side } from '../world.ts';
import type { FlagReading } from './driver.ts';
import { murmur3 } from './murmur3.ts';
import { MAX_TOKEN } from './token.ts';

/**
 * The flagd flag set (https://flagd.dev/schema/v0/flags.json) that holds the ratio, as pure functions: what to
 * write, what a document says, and on which side of it a key falls. A fixed total of weights, with target first,
 * is what keeps a key on target while the ratio grows.
 */

const SCHEMA = 'https://flagd.dev/schema/v0/flags.json';
/** The weights of a flag always add up to this: a ratio is kept to a thousandth of a percent. */
export const TOTAL_WEIGHT = 100_000;
/** flagd refuses a fractional rule whose weights add up to more (an int32). */
const MAX_TOTAL_WEIGHT = 2_147_483_647;

export interface FlagMark {
  /** Fencing token of the writing operation. */
  token: number;
  operation: string;
  /** Kind of that operation, e.g. `shift` or `emergency`. */
  kind?: string | undefined;
}

export interface FlagdReading extends FlagReading {
  kind: string | null;
}

export type Json = Record<string, unknown>;

/** The ratio that a flag set gives back for `ratio`: to the nearest thousandth of a percent. */
export function storedRatio(ratio: number): number {
  return weightOf(ratio) / TOTAL_WEIGHT;
}

/**
 * The document that sends `ratio` of the traffic to target. Other flags, other keys and the values of existing
 * `legacy` and `target` variants in `existing` (a parsed document) are kept.
 *
 * At 0 and at 1 there is no targeting, only a default: flagd gives a request without a targetingKey the default
 * even at 100 %.
 * @throws CutoverError FLAG_RATIO for a ratio outside 0 to 1, or one that the weights would turn into 0 or 1;
 *   FLAG_INVALID when `existing` is no flag set.
 */
export function flagSet(key: string, ratio: number, mark: FlagMark, existing?: unknown): Json {
  const document = existing === undefined ? {} : objectAt(existing, 'the flag set');
  const flags = document.flags === undefined ? {} : objectAt(document.flags, 'its flags');
  const before = Object.hasOwn(flags, key) ? objectAt(flags[key], `flag ${key}`) : {};
  const { targeting: _old, ...kept } = before;
  const weight = checkedWeight(ratio);
  const flag = {
    ...kept,
    state: 'ENABLED',
    variants: variantsOf(before.variants),
    defaultVariant: weight === TOTAL_WEIGHT ? 'target' : 'legacy',
    ...(weight > 0 && weight < TOTAL_WEIGHT ? { targeting: split(weight) } : {}),
    metadata: metadataOf(before.metadata, mark),
  };
  return { $schema: SCHEMA, ...document, flags: { ...flags, [key]: flag } };
}

/**
 * What a parsed flag set says of the flag `key`. The ratio comes from the weights, whatever their total and order.
 * @throws CutoverError FLAG_NOT_FOUND, FLAG_DISABLED, or FLAG_INVALID naming the part that is wrong (exit 65).
 */
export function readFlag(document: unknown, key: string): FlagdReading {
  const root = objectAt(document, 'the flag set');
  // Readers take a set that names no flags for one that has none.
  const flags = root.flags === undefined ? {} : objectAt(root.flags, 'its flags');
  if (!Object.hasOwn(flags, key)) {
    const known = Object.keys(flags);
    throw new CutoverError('FLAG_NOT_FOUND', EXIT.input, `the flag set has no flag ${key}`, {
      hint: known.length > 0 ? `it has: ${known.join(', ')}; see flag.key` : 'see flag.key',
    });
  }
  const flag = objectAt(flags[key], `flag ${key}`);
  if (flag.state === 'DISABLED') {
    throw new CutoverError(
      'FLAG_DISABLED',
      EXIT.input,
      `flag ${key} is DISABLED: every client uses its own default`,
      {
        hint: 'set its state to ENABLED; ratio 0 is the safe way to switch target off',
      },
    );
  }
  if (flag.state !== 'ENABLED') throw invalid(`flag ${key}: state must be ENABLED`);
  const metadata = flag.metadata === undefined ? {} : objectAt(flag.metadata, `metadata of flag ${key}`);
  return {
    ratio: ratioOf(flag, key),
    token: tokenOf(metadata.cutoverToken, key),
    operation: textOf(metadata.cutoverOperation),
    kind: textOf(metadata.cutoverKind),
  };
}

/**
 * The side on which `targetingKey` falls, as flagd's `fractional` gives it for the weights that flagSet writes:
 * `bucket = (murmur3_x86_32(flagKey + targetingKey, seed 0) × total weight) >> 32`, and the first variant whose
 * cumulative weight is above the bucket wins. The formula is from flagd's specification of custom operations
 * (https://flagd.dev/reference/specifications/custom-operations/fractional-operation-spec/) and was read in
 * @openfeature/flagd-core 4.0, which it matches on every ASCII key. For other keys this follows flagd itself and
 * hashes UTF-8; the JavaScript provider hashes UTF-16 units there.
 */
export function bucketSide(flagKey: string, targetingKey: string, ratio: number): Side {
  // hash × total stays below 2^49, so neither the product nor the division by a power of two rounds.
  const bucket = Math.floor((murmur3(flagKey + targetingKey) * TOTAL_WEIGHT) / 2 ** 32);
  return bucket < weightOf(ratio) ? 'target' : 'legacy';
}

function weightOf(ratio: number): number {
  return Math.round(ratio * TOTAL_WEIGHT);
}

function checkedWeight(ratio: number): number {
  if (!(ratio >= 0 && ratio <= 1)) {
    throw new CutoverError('FLAG_RATIO', EXIT.usage, `not a ratio: ${ratio}`, { hint: 'a ratio is 0 to 1' });
  }
  const weight = weightOf(ratio);
  // A canary must not silently become nothing, nor "nearly all" everything.
  if ((weight === 0 && ratio > 0) || (weight === TOTAL_WEIGHT && ratio < 1)) {
    throw new CutoverError('FLAG_RATIO', EXIT.usage, `the ratio ${ratio} is finer than a flag can hold`, {
      hint: 'the step is 0.001 %: use 0, 0.00001 to 0.99999, or 1',
    });
  }
  return weight;
}

function split(weight: number): Json {
  return {
    fractional: [
      ['target', weight],
      ['legacy', TOTAL_WEIGHT - weight],
    ],
  };
}

/** Variants of the user's own stay (their values may be URLs, say) as long as both sides are among them. */
function variantsOf(before: unknown): Json {
  const usable =
    isObject(before) && before.legacy !== undefined && before.target !== undefined ? before : undefined;
  return usable ?? { legacy: 'legacy', target: 'target' };
}

function metadataOf(before: unknown, mark: FlagMark): Json {
  const {
    cutoverToken: _token,
    cutoverOperation: _operation,
    cutoverKind: _kind,
    ...kept
  } = isObject(before) ? before : {};
  return {
    ...kept,
    cutoverToken: mark.token,
    cutoverOperation: mark.operation,
    ...(mark.kind === undefined ? {} : { cutoverKind: mark.kind }),
  };
}

function ratioOf(flag: Json, key: string): number {
  const variants = objectAt(flag.variants, `variants of flag ${key}`);
  for (const side of ['legacy', 'target']) {
    if (!Object.hasOwn(variants, side)) throw invalid(`flag ${key} has no variant ${side}`);
  }
  const targeting = flag.targeting === undefined ? {} : objectAt(flag.targeting, `targeting of flag ${key}`);
  if (Object.keys(targeting).length === 0) {
    if (flag.defaultVariant === 'target') return 1;
    if (flag.defaultVariant === 'legacy') return 0;
    throw invalid(`flag ${key}: defaultVariant must be legacy or target when there is no targeting`);
  }
  if (Object.keys(targeting).join() !== 'fractional' || !Array.isArray(targeting.fractional)) {
    throw invalid(`targeting of flag ${key} must be {"fractional": [["target", n], ["legacy", n]]}`);
  }
  return ratioOfWeights(targeting.fractional, key);
}

function ratioOfWeights(entries: readonly unknown[], key: string): number {
  const weights = { legacy: 0, target: 0 };
  for (const entry of entries) {
    const [variant, weight = 1, ...rest]: unknown[] = Array.isArray(entry) ? entry : [];
    if ((variant !== 'legacy' && variant !== 'target') || rest.length > 0) {
      throw invalid(`weights of flag ${key}: ${JSON.stringify(entry)} is not ["target", n] or ["legacy", n]`);
    }
    if (typeof weight !== 'number' || !Number.isInteger(weight) || weight < 0) {
      throw invalid(`weights of flag ${key}: the weight of ${variant} must be a whole number, 0 or more`);
    }
    weights[variant] += weight;
  }
  const total = weights.legacy + weights.target;
  if (total === 0) throw invalid(`weights of flag ${key} add up to 0`);
  if (total > MAX_TOTAL_WEIGHT)
    throw invalid(`weights of flag ${key} add up to more than ${MAX_TOTAL_WEIGHT}`);
  return weights.target / total;
}

function tokenOf(value: unknown, key: string): number {
  if (value === undefined) return 0;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_TOKEN) return value;
  throw invalid(`metadata of flag ${key}: cutoverToken must be a whole number from 0 to ${MAX_TOKEN}`);
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function objectAt(value: unknown, what: string): Json {
  if (isObject(value)) return value;
  throw invalid(`${what} must be a JSON object`);
}

function invalid(message: string): CutoverError {
  return new CutoverError('FLAG_INVALID', EXIT.input, message, {
    hint: `mend the flag file, or write it again with a change of the ratio; its format: ${SCHEMA}`,
  });
}
