import { createFinder, type SecretFinder } from '../output/secret-finder.ts';
import { secretForms } from '../output/secret-forms.ts';

/** Takes secrets out of what goes to a client. */
export interface Redactor {
  text(value: string): string;
  /** @returns the very same buffer when no secret is in it. */
  bytes(whole: Buffer): Buffer;
  /** For bytes that come in pieces: a secret is found across them. */
  stream(): StreamRedactor;
}

export interface StreamRedactor {
  /** Gives back what is certain to hold no part of a secret; the rest comes with the next piece, or at the end. */
  push(chunk: Buffer): Buffer;
  end(): Buffer;
}

/** Shorter ones would blot out ordinary words of an answer. */
const MIN_SECRET = 8;
const STARS = Buffer.from('***');
const NOTHING: Buffer = Buffer.alloc(0);

/** @param secrets each is found in every form (see secretForms); those below 8 characters are left alone. */
export function createRedactor(secrets: readonly string[]): Redactor {
  const forms = secrets.filter((secret) => secret.trim().length >= MIN_SECRET).flatMap(secretForms);
  const finder = createFinder(forms, false);
  const stream = () => cleaned(finder);
  const bytes = (whole: Buffer) => {
    const clean = cleaned(finder).last(whole);
    // Stars are shorter than any secret.
    return clean.length === whole.length ? whole : clean;
  };
  return { bytes, text: (value) => bytes(Buffer.from(value)).toString(), stream };
}

function cleaned(finder: SecretFinder): StreamRedactor & { last(chunk: Buffer): Buffer } {
  let held = NOTHING;
  // How many of the held bytes belong to a secret whose stars have been given back.
  let covered = 0;
  const take = (chunk: Buffer, whole: boolean) => {
    const data = held.length > 0 ? Buffer.concat([held, chunk]) : chunk;
    const clean: Buffer[] = [];
    let done = covered;
    const certain = finder.search(data, whole, (from, to) => {
      if (from >= done) clean.push(data.subarray(done, from), STARS);
      done = Math.max(done, to);
    });
    // Mostly nothing is found, and nothing held.
    if (certain === data.length && done === 0) {
      held = NOTHING;
      return data;
    }
    if (certain > done) clean.push(data.subarray(done, certain));
    covered = Math.max(0, done - certain);
    held = data.subarray(certain);
    return clean.length === 1 ? (clean[0] as Buffer) : Buffer.concat(clean);
  };
  return {
    push: (chunk) => take(chunk, false),
    last: (chunk) => take(chunk, true),
    end: () => take(NOTHING, true),
  };
}
