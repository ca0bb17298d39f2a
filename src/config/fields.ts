import * as z from 'zod/mini';
import { parseDuration } from './units.ts';

/** The fields that several parts of the config share, and what schemas are made of everywhere. */

// A config is checked once in a process: to compile the check takes longer than to make it.
z.config({ ...z.locales.en(), jitless: true });

/** A text that is not empty. */
export const filled = z.string().check(z.minLength(1));

/** YAML makes a number of `10` and a text of `10%`. */
export const textOrNumber = z.union([z.string(), z.number()]);

/** An integer from `min` on, to `max` where there is one. */
export const whole = (min: number, max?: number) =>
  z.number().check(z.int(), z.gte(min), ...(max === undefined ? [] : [z.lte(max)]));

/** What `read` makes of a written value; where that is undefined or does not fit, `wrong` says how to write it. */
export function readAs<S extends z.ZodMiniType, T>(
  written: S,
  read: (value: z.output<S>) => T | undefined,
  wrong: (value: z.output<S>) => string,
  fits: (meant: T) => boolean = () => true,
) {
  const meaning = z.transform((value: z.output<S>, ctx): T => {
    const meant = read(value);
    if (meant !== undefined && fits(meant)) return meant;
    ctx.issues.push({ code: 'custom', message: wrong(value), input: value });
    return z.NEVER;
  });
  return z.pipe(written, meaning);
}

export const duration = readAs(
  textOrNumber,
  (value) => (typeof value === 'number' ? undefined : parseDuration(value)),
  (value) => `not a duration: ${value}; write it like 500ms, 10s, 5m, 2h or 1d`,
);

export const secretReference = z
  .string()
  .check(
    z.regex(
      /^\$\{(env|file):[^}]+\}$/,
      'a secret is never written here; refer to it: ${env:NAME} or ${file:PATH}',
    ),
  );

export const httpUrl = z.string().check(z.regex(/^(https?:\/\/|\$\{(env|file):)/, 'not an http(s) URL'));

export const attempts = {
  timeout: z.prefault(duration.check(z.refine((ms) => ms <= 3_600_000, 'at most 1h')), '10s'),
  retries: z.prefault(whole(0, 10), 2),
};
export const command = z.array(filled).check(z.minLength(1, 'a command is a list: [./script.sh, argument]'));
export const headers = z.prefault(z.record(z.string(), z.string()), {});
