import { type Dirent, readdirSync, realpathSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CutoverError, EXIT, systemCode } from '../errors.ts';
import { globDepth, globMatcher } from './glob.ts';

/** One file to read, or stdin. */
export interface InputFile {
  /** As the user would write it; `-` is stdin. */
  name: string;
  /** Absolute; undefined for stdin. */
  path: string | undefined;
  /** undefined where the size is unknown, as for stdin. */
  bytes: number | undefined;
}

const LOG_FILE = /\.((jsonl?|ndjson|csv|tsv|log|txt)(\.(gz|zst|zstd))?|parquet)$/i;

/** A file found in a folder, or by a pattern, that is not read. */
export interface PassedOver {
  name: string;
  /** What it is, in words: `a named pipe`. */
  what: string;
}

/**
 * The files that the words of a command line name: files, folders (every log in them, by extension, in order of
 * their names), patterns that no shell has expanded (`logs/**` + `/*.jsonl`), and `-` for stdin. A file named twice is
 * read once. What stands in a folder and is no file (a pipe, a device, a link that leads in a circle) is passed over:
 * nobody asked for it, and it may have no end; named itself, it is read.
 * @param passOver told of each.
 * @throws CutoverError INPUT_MISSING (exit 65) when a word names nothing; BAD_OPTION (64) for a second `-`.
 */
export function findInputs(
  words: readonly string[],
  cwd: string,
  passOver: (found: PassedOver) => void = () => {},
): InputFile[] {
  const found = new Map<string, InputFile>();
  for (const word of words) {
    if (word === '-') {
      if (found.has('-')) throw new CutoverError('BAD_OPTION', EXIT.usage, 'stdin (-) can be read only once');
      found.set('-', { name: '-', path: undefined, bytes: undefined });
      continue;
    }
    for (const name of namesOf(word, cwd, passOver)) {
      const path = resolve(cwd, name);
      found.set(realpathSync(path), { name, path, bytes: statSync(path).size || undefined });
    }
  }
  return [...found.values()];
}

type PassOver = (found: PassedOver) => void;

function namesOf(word: string, cwd: string, passOver: PassOver): string[] {
  const kind = kindOf(resolve(cwd, word));
  if (kind === 'folder') {
    const inside = filesUnder(word, cwd, { isWanted: (name) => LOG_FILE.test(name), passOver });
    if (inside.length > 0) return inside;
    throw missing(
      `${word}: a folder without logs`,
      'logs end in .jsonl, .json, .csv, .tsv, .log, .txt or .parquet',
    );
  }
  if (kind === 'a link that leads in a circle') throw missing(`${word}: ${kind}`);
  if (kind !== undefined) return [word];
  if (!/[*?[]/.test(word)) throw missing(`${word}: no such file`);
  const isWanted = globMatcher(word);
  const fixed = word.slice(0, word.search(/[*?[]/)).replace(/[^/]*$/, '');
  const base = fixed === '' ? '.' : fixed;
  const matching =
    kindOf(resolve(cwd, base)) === 'folder'
      ? filesUnder(base, cwd, { isWanted, passOver, depth: globDepth(word, base) })
      : [];
  if (matching.length > 0) return matching;
  throw missing(`${word}: no file matches`);
}

function missing(message: string, hint?: string, cause?: unknown): CutoverError {
  return new CutoverError('INPUT_MISSING', EXIT.input, message, { hint, cause });
}

type Kind = 'file' | 'folder' | 'a named pipe' | 'a device' | 'a socket' | 'a link that leads in a circle';

/** What is at a path, links followed; undefined where nothing is. */
function kindOf(path: string): Kind | undefined {
  try {
    const found = statSync(path);
    if (found.isDirectory()) return 'folder';
    if (found.isFIFO()) return 'a named pipe';
    if (found.isSocket()) return 'a socket';
    return found.isFile() ? 'file' : 'a device';
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (code === 'ELOOP') return 'a link that leads in a circle';
    throw missing(`${path}: cannot be read (${code})`, undefined, error);
  }
}

interface Walk {
  isWanted(name: string): boolean;
  passOver: PassOver;
  /** How deep files may lie; 1 is in the folder itself. */
  depth?: number;
}

/** Wanted files at any depth, without hidden ones; links to folders are not followed, so there are no circles. */
function filesUnder(folder: string, cwd: string, walk: Walk): string[] {
  const { isWanted, passOver, depth = Number.POSITIVE_INFINITY } = walk;
  let entries: Dirent[];
  try {
    entries = readdirSync(resolve(cwd, folder), { withFileTypes: true });
  } catch (error) {
    throw missing(`${folder}: cannot be read (${systemCode(error)})`, undefined, error);
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries
    .filter((entry) => !entry.name.startsWith('.'))
    .flatMap((entry) => {
      const name = folder === '.' ? entry.name : join(folder, entry.name);
      if (entry.isDirectory()) return depth > 1 ? filesUnder(name, cwd, { ...walk, depth: depth - 1 }) : [];
      if (!isWanted(name)) return [];
      if (entry.isFile()) return [name];
      const kind = kindOf(resolve(cwd, name));
      if (kind === 'file') return [name];
      const what = kind === 'folder' ? 'a link to a folder' : (kind ?? 'a link to nothing');
      passOver({ name, what });
      return [];
    });
}
