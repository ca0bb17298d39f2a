import { createReadStream, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { CutoverError, EXIT, systemCode } from '../errors.ts';
import type { Source } from './read.ts';

const CHUNK_BYTES = 1024 * 1024;

/**
 * Opens the inputs named on the command line; `-` is stdin.
 * @throws CutoverError INPUT_MISSING (exit 65) for a path that is not a readable file.
 */
export function openSources(names: readonly string[], cwd: string, stdin: NodeJS.ReadStream): Source[] {
  return names.map((name) => {
    if (name === '-') return { name, bytes: stdin as AsyncIterable<Buffer> };
    const path = resolve(cwd, name);
    try {
      if (statSync(path).isDirectory()) {
        throw new CutoverError('INPUT_MISSING', EXIT.input, `${name}: a folder, not a file`);
      }
    } catch (error) {
      if (error instanceof CutoverError) throw error;
      const missing = systemCode(error) === 'ENOENT';
      throw new CutoverError(
        'INPUT_MISSING',
        EXIT.input,
        `${name}: ${missing ? 'no such file' : 'cannot be read'}`,
        {
          cause: error,
        },
      );
    }
    return { name, bytes: fileBytes(path) };
  });
}

/** Opened only when its turn comes: a thousand inputs must not take a thousand file handles. */
async function* fileBytes(path: string): AsyncGenerator<Buffer> {
  yield* createReadStream(path, { highWaterMark: CHUNK_BYTES });
}
