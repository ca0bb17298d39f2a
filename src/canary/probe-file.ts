import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CutoverError, EXIT, messageOf } from '../errors.ts';
import { DEFAULT_PROBES, type Probe, parseProbes } from './probes.ts';

/**
 * The probes of a canary: those of the file the config names, or the built-in ones.
 * @param dir folder that a relative path starts from: the config's.
 * @throws CutoverError PROBES_MISSING, PROBES_INVALID (exit 65).
 */
export function loadProbes(path: string | undefined, dir: string): readonly Probe[] {
  if (path === undefined) return DEFAULT_PROBES;
  let text: string;
  try {
    text = readFileSync(resolve(dir, path), 'utf8');
  } catch (cause) {
    throw new CutoverError('PROBES_MISSING', EXIT.input, `${path}: cannot be read: ${messageOf(cause)}`, {
      hint: 'canary.probes names a file, relative to the config; without it built-in probes are used',
      cause,
    });
  }
  return parseProbes(text, path);
}
