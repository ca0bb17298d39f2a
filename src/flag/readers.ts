import { CutoverError, EXIT } from '../errors.ts';
import { isObject, type Json } from './flagd.ts';

/** A part of a flag set for which readers refuse all of it. */
export interface RefusedPart {
  /** `flag checkout`, or the name of a member at the top. */
  what: string;
  why: string;
}

/**
 * What else in a flag set keeps readers from the flag `key`. flagd and its libraries read a whole set or nothing of
 * it, and stay with what they had: one broken flag beside it, and a new ratio reaches nobody.
 */
export function refusedParts(document: unknown, key: string): RefusedPart[] {
  return splitOff(document, key).refused;
}

/** The same set without those parts. What is no set at all stays as it is. */
export function withoutRefused(
  document: unknown,
  key: string,
): { document: unknown; refused: RefusedPart[] } {
  return splitOff(document, key);
}

/** @throws CutoverError FLAG_INVALID (65) when readers refuse the whole set */
export function assertRead(document: unknown, key: string): void {
  const [first] = refusedParts(document, key);
  if (!first) return;
  throw new CutoverError(
    'FLAG_INVALID',
    EXIT.input,
    `${first.what}: ${first.why}; readers refuse the whole file for it, and stay with what they had`,
    { hint: 'mend it, or take it out; `cutover rollback --emergency` leaves it out' },
  );
}

function splitOff(document: unknown, key: string): { document: unknown; refused: RefusedPart[] } {
  if (!isObject(document)) return { document, refused: [] };
  const refused: RefusedPart[] = [];
  const kept: Json = {};
  for (const [name, value] of Object.entries(document)) {
    if ((name === 'metadata' || name === '$evaluators') && !isObject(value))
      refused.push({ what: name, why: NO_OBJECT });
    else kept[name] = value;
  }
  if (isObject(kept.flags)) {
    const flags = Object.entries(kept.flags).filter(([name, flag]) => {
      // The flag itself is written anew: what else is wrong with it is mended by that.
      const why = name === key ? (isObject(flag) ? undefined : NO_OBJECT) : faultOf(flag);
      if (why !== undefined) refused.push({ what: `flag ${name}`, why });
      return why === undefined;
    });
    kept.flags = Object.fromEntries(flags);
  }
  return { document: kept, refused };
}

const NO_OBJECT = 'must be a JSON object';

/** Read in @openfeature/flagd-core 4.0 (FeatureFlag), and in flagd's own model, which is typed. */
function faultOf(flag: unknown): string | undefined {
  if (!isObject(flag)) return NO_OBJECT;
  const { state, variants, defaultVariant, targeting, metadata } = flag;
  if (state !== 'ENABLED' && state !== 'DISABLED') return 'its state must be ENABLED or DISABLED';
  if (!isObject(variants)) return 'its variants must be a JSON object';
  if (defaultVariant !== undefined && defaultVariant !== null) {
    if (typeof defaultVariant !== 'string') return 'its defaultVariant must be a text';
    if (defaultVariant !== '' && !Object.hasOwn(variants, defaultVariant))
      return `its defaultVariant ${defaultVariant} is none of its variants`;
  }
  if (targeting !== undefined && targeting !== null && !isObject(targeting))
    return 'its targeting must be a JSON object';
  if (metadata !== undefined && metadata !== null && !isObject(metadata))
    return 'its metadata must be a JSON object';
  return undefined;
}
