import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CutoverError, EXIT } from '../errors.ts';

/** Turns references into secrets, and keeps the secrets it gave out away from every output. */
export interface Secrets {
  /**
   * Replaces every `${env:NAME}` and `${file:PATH}` in `text`; `where` names the config key.
   * @throws CutoverError SECRET_MISSING (exit 78); the message names the reference, never a value.
   */
  resolve(text: string, where: string): string;
  /** Keeps away a value that was made of a secret or read beside one, e.g. the path of a webhook's address. */
  remember(secret: string): void;
  /** The same text with every secret given out so far replaced by `***`. */
  redact(text: string): string;
}

/** What a reference to a secret looks like in the config. */
export const REFERENCE = /\$\{(env|file):([^}]+)\}/g;
/** Shorter values would blot out ordinary words. */
const MIN_REDACTED = 4;

/** @param dir the folder that `${file:PATH}` starts from: the config's. */
export function createSecrets(env: Readonly<Record<string, string | undefined>>, dir: string): Secrets {
  const given = new Set<string>();
  const remember = (secret: string) => {
    if (secret.length < MIN_REDACTED) return;
    given.add(secret);
    given.add(encodeURIComponent(secret));
  };
  const read = (kind: string, name: string, where: string): string => {
    if (kind === 'env') {
      const value = env[name];
      if (value) return value;
      throw missing(where, `the environment variable ${name} is not set`, `export ${name}=…`);
    }
    try {
      const value = readFileSync(resolve(dir, name), 'utf8').trim();
      if (value !== '') return value;
    } catch (cause) {
      throw missing(
        where,
        `the file ${name} cannot be read`,
        'a path in ${file:…} starts at the config file',
        cause,
      );
    }
    throw missing(where, `the file ${name} is empty`, undefined);
  };
  return {
    resolve(text, where) {
      return text.replace(REFERENCE, (_all, kind: string, name: string) => {
        const secret = read(kind, name, where);
        remember(secret);
        return secret;
      });
    },
    remember,
    redact(text) {
      let clean = text;
      // Longest first: a secret that contains another must not leave its tail behind.
      for (const secret of [...given].sort((a, b) => b.length - a.length))
        clean = clean.replaceAll(secret, '***');
      return clean;
    },
  };
}

function missing(where: string, what: string, hint: string | undefined, cause?: unknown): CutoverError {
  return new CutoverError('SECRET_MISSING', EXIT.config, `${where}: ${what}`, { hint, cause });
}
