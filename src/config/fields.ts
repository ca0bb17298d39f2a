import * as z from 'zod';
import { parseDuration } from './units.ts';

/** The fields that several parts of the config share. */

// A config is checked once in a process: to compile the check takes longer than to make it.
z.config({ jitless: true });

export const duration = z.union([z.string(), z.number()]).transform((value, ctx) => {
  const ms = typeof value === 'number' ? undefined : parseDuration(value);
  if (ms !== undefined) return ms;
  ctx.addIssue({
    code: 'custom',
    message: `not a duration: ${value}; write it like 500ms, 10s, 5m, 2h or 1d`,
  });
  return z.NEVER;
});

export const secretReference = z
  .string()
  .regex(
    /^\$\{(env|file):[^}]+\}$/,
    'a secret is never written here; refer to it: ${env:NAME} or ${file:PATH}',
  );

export const httpUrl = z.string().regex(/^(https?:\/\/|\$\{(env|file):)/, 'not an http(s) URL');

export const attempts = {
  timeout: duration.refine((ms) => ms <= 3_600_000, 'at most 1h').prefault('10s'),
  retries: z.number().int().min(0).max(10).prefault(2),
};
export const command = z.array(z.string().min(1)).min(1, 'a command is a list: [./script.sh, argument]');
export const headers = z.record(z.string(), z.string()).prefault({});
