import { splitRow } from './csv.ts';

/** How the records lie in the bytes. */
export type Container =
  | { kind: 'empty' }
  | { kind: 'binary' }
  | { kind: 'jsonl' }
  /** An array, or objects spread over several lines. */
  | { kind: 'json' }
  | { kind: 'rows'; delimiter: string }
  /** Lines of text of a kind of its own, such as an access log. */
  | { kind: 'text' };

/** As much of a file's beginning as is looked at. */
export const HEAD_BYTES = 64 * 1024;

const LINES_LOOKED_AT = 20;

/** Tells the container from the first bytes of a file (decompressed, HEAD_BYTES of them or all there are). */
export function detectContainer(head: Buffer): Container {
  if (head.includes(0)) return { kind: 'binary' };
  const text = head.toString('utf8').replace(/^\uFEFF/, '');
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const first = lines[0]?.trim();
  if (first === undefined) return { kind: 'empty' };
  if (first.startsWith('[')) return { kind: 'json' };
  // The last line of the head may be cut, and the first of a rotated log too: several are looked at.
  const looked = lines.slice(0, LINES_LOOKED_AT);
  const whole = looked.filter((line) => isJsonObject(line)).length;
  if (whole > 0) return { kind: 'jsonl' };
  if (first.startsWith('{')) return { kind: looked.length === 1 ? 'jsonl' : 'json' };
  const delimiter = headerDelimiter(first);
  return delimiter ? { kind: 'rows', delimiter } : { kind: 'text' };
}

function isJsonObject(line: string): boolean {
  const trimmed = line.trim();
  if (!trimmed.startsWith('{') || !trimmed.endsWith('}')) return false;
  try {
    JSON.parse(trimmed);
    return true;
  } catch {
    return false;
  }
}

/** A header is at least two names between the same delimiter. */
function headerDelimiter(line: string): string | undefined {
  for (const delimiter of ['\t', ',', ';']) {
    const cells = splitRow(line, delimiter) ?? [];
    if (cells.length >= 2 && cells.every((cell) => /^\s*[\p{L}_][\p{L}\p{N} _.()/%-]*$/u.test(cell.trim()))) {
      return delimiter;
    }
  }
  return undefined;
}
