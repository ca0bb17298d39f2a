import { resolve } from 'node:path';
import { CutoverError, EXIT } from '../errors.ts';
import { readOrdinaryFile } from '../files.ts';
import { createRedactor, type Redactor } from '../output/redact.ts';

/** Turns references into secrets, and keeps them away from every output. */
export interface Secrets {
  /**
   * Replaces every `${env:NAME}` and `${file:PATH}` in `text`; `where` names the config key.
   * @throws CutoverError SECRET_MISSING (exit 78); the message names the reference, never a value.
   */
  resolve(text: string, where: string): string;
  /**
   * Keeps away whatever the references in the text of a config lead to, whether it is ever used or not. The text is
   * asked for, and the references are followed, when something is redacted and not before; faults are no matter.
   */
  expect(text: () => string): void;
  /** Keeps away a value that was made of a secret or read beside one, e.g. the path of a webhook's address. */
  remember(secret: string): void;
  /** The same text with every secret known so far replaced by `***`. */
  redact(text: string): string;
  /**
   * The same for what a command of the user's own said: it may have printed its environment, where secrets that the
   * config does not refer to are known by their names.
   */
  redactSaid(text: string): string;
}

/** What a reference to a secret looks like in the config. */
export const REFERENCE = /\$\{(env|file):([^}]+)\}/g;
/** Variables whose values are secrets by their name. */
const SECRET_NAME = /key|token|secret|passw|credential|webhook/i;
/** Shorter values are words like `true`. */
const MIN_NAMED = 8;
/** A larger file is no key. */
const MAX_FILE = 1024 * 1024;

type Env = Readonly<Record<string, string | undefined>>;

/**
 * @param dir the folder that `${file:PATH}` starts from: the config's.
 * @param redactor what all output passes; its own without one
 */
export function createSecrets(env: Env, dir: string, redactor: Redactor = createRedactor()): Secrets {
  let environment: Redactor | undefined;
  const read = (kind: string, name: string, where: string): string => {
    if (kind === 'env') {
      const value = env[name];
      if (value) return value;
      throw missing(where, `the environment variable ${name} is not set`, `export ${name}=…`);
    }
    try {
      const value = readSecretFile(resolve(dir, name)).trim();
      if (value !== '') return value;
    } catch (cause) {
      throw missing(
        where,
        `the file ${name} cannot be read${cause instanceof CutoverError ? `: ${cause.message}` : ''}`,
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
        redactor.remember(secret);
        return secret;
      });
    },
    expect(text) {
      redactor.later(() => {
        const config = tried(text) ?? '';
        redactor.plain(config.replace(REFERENCE, ''));
        return [...config.matchAll(REFERENCE)].flatMap(([, kind, name = '']) =>
          kind === 'env' ? (env[name] ?? []) : (tried(() => readSecretFile(resolve(dir, name))) ?? []),
        );
      });
    },
    remember: redactor.remember,
    redact: redactor.redact,
    redactSaid(text) {
      environment ??= namedSecrets(env);
      return environment.redact(redactor.redact(text));
    },
  };
}

function namedSecrets(env: Env): Redactor {
  const redactor = createRedactor();
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && value.length >= MIN_NAMED && SECRET_NAME.test(name)) redactor.remember(value);
  }
  return redactor;
}

/** Only an ordinary file: an emergency waits for no pipe, and reads no device to its end. */
function readSecretFile(path: string): string {
  return readOrdinaryFile(path, { maxBytes: MAX_FILE });
}

/** What cannot be read cannot leak, and who needs it says so. */
function tried<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    void error;
    return undefined;
  }
}

function missing(where: string, what: string, hint: string | undefined, cause?: unknown): CutoverError {
  return new CutoverError('SECRET_MISSING', EXIT.config, `${where}: ${what}`, { hint, cause });
}
