import { closeSync, openSync, readSync } from 'node:fs';
import type { InputFile } from '../inputs.ts';

const MAGIC = 'PAR1';

/** Whether a file is Parquet, by its name or by its first bytes. */
export function isParquet({ name, path, bytes }: InputFile): boolean {
  if (path === undefined) return false;
  // A pipe has no size, and what is read from it is gone.
  return /\.parquet$/i.test(name) || (bytes !== undefined && startOf(path) === MAGIC);
}

function startOf(path: string): string {
  const bytes = Buffer.alloc(MAGIC.length);
  try {
    const file = openSync(path, 'r');
    try {
      return bytes.toString('latin1', 0, readSync(file, bytes, 0, MAGIC.length, null));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    // Whoever reads the file says what is wrong with it.
    void error;
    return '';
  }
}
