import { type Dirent, readdirSync, realpathSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CutoverError, EXIT, systemCode } from '../errors.ts';

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

/**
 * The files that the words of a command line name: files, folders (every log in them, by extension, in order of
 * their names), patterns that no shell has expanded (`logs/**` + `/*.jsonl`), and `-` for stdin. A file named twice is read once.
 * @throws CutoverError INPUT_MISSING (exit 65) when a word names nothing; BAD_OPTION (64) for a second `-`.
 */
export function findInputs(words: readonly string[], cwd: string): InputFile[] {
  const found = new Map<string, InputFile>();
  for (const word of words) {
    if (word === '-') {
      if (found.has('-')) throw new CutoverError('BAD_OPTION', EXIT.usage, 'stdin (-) can be read only once');
      found.set('-', { name: '-', path: undefined, bytes: undefined });
      continue;
    }
    for (const name of namesOf(word, cwd)) {
      const path = resolve(cwd, name);
      found.set(realpathSync(path), { name, path, bytes: statSync(path).size || undefined });
    }
  }
  return [...found.values()];
}

function namesOf(word: string, cwd: string): string[] {
  const kind = kindOf(resolve(cwd, word));
  if (kind === 'file') return [word];
  if (kind === 'folder') {
    const inside = filesUnder(word, cwd).filter((name) => LOG_FILE.test(name));
    if (inside.length > 0) return inside;
    throw missing(
      `${word}: a folder without logs`,
      'logs end in .jsonl, .json, .csv, .tsv, .log, .txt or .parquet',
    );
  }
  if (!/[*?[]/.test(word)) throw missing(`${word}: no such file`);
  const pattern = globPattern(word);
  const fixed = word.slice(0, word.search(/[*?[]/)).replace(/[^/]*$/, '');
  const base = fixed === '' ? '.' : fixed;
  const matching =
    kindOf(resolve(cwd, base)) === 'folder' ? filesUnder(base, cwd).filter((name) => pattern.test(name)) : [];
  if (matching.length > 0) return matching;
  throw missing(`${word}: no file matches`);
}

function missing(message: string, hint?: string, cause?: unknown): CutoverError {
  return new CutoverError('INPUT_MISSING', EXIT.input, message, { hint, cause });
}

function kindOf(path: string): 'file' | 'folder' | undefined {
  try {
    return statSync(path).isDirectory() ? 'folder' : 'file';
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw missing(`${path}: cannot be read (${code})`, undefined, error);
  }
}

/** Files at any depth, without hidden ones; links to folders are not followed, so there are no circles. */
function filesUnder(folder: string, cwd: string): string[] {
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
      if (entry.isDirectory()) return filesUnder(name, cwd);
      return entry.isFile() || kindOf(resolve(cwd, name)) === 'file' ? [name] : [];
    });
}

/** `*` and `?` stay within a folder, `**` does not; `[abc]` and `[!abc]` are one character. */
export function globPattern(glob: string): RegExp {
  const text = glob.replace(/^\.\//, '');
  let source = '';
  for (let i = 0; i < text.length; i++) {
    const character = text[i] as string;
    if (text.startsWith('**/', i)) {
      source += '(?:[^/]+/)*';
      i += 2;
    } else if (text.startsWith('**', i)) {
      source += '.*';
      i += 1;
    } else if (character === '*') source += '[^/]*';
    else if (character === '?') source += '[^/]';
    else if (character === '[') {
      const end = text.indexOf(']', i + 2);
      if (end < 0) source += '\\[';
      else {
        const inside = text
          .slice(i + 1, end)
          .replace(/^!/, '^')
          .replaceAll('\\', '\\\\');
        source += `[${inside}]`;
        i = end;
      }
    } else source += character.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  }
  return new RegExp(`^${source}$`);
}
