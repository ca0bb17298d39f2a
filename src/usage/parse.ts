import type { RawObject } from './format.ts';

/** A parsed object, or why there is none. */
export type Parsed = { raw: RawObject } | { fault: string };

/** Parses one JSON record. `open` says that nothing closes the item, so that a fault may be a cut. */
export function parseJson(text: string, open: boolean): Parsed {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    if (open && /^\s*\{/.test(text)) return { fault: 'truncated: the file ends inside a record' };
    // Python's json module writes these although JSON has no such numbers.
    if (/[:,[]\s*-?(NaN|Infinity)\b/.test(text)) return { fault: 'NaN or Infinity is not JSON' };
    return { fault: 'not JSON' };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { fault: 'not a JSON object' };
  return { raw: value as RawObject };
}

/** The cells of a row under the names of the header. An empty cell is an absent field. */
export function parseRow(cells: readonly string[], header: readonly string[]): Parsed {
  if (cells.length !== header.length) {
    return {
      fault:
        cells.length < header.length
          ? 'row has fewer cells than the header'
          : 'row has more cells than the header',
    };
  }
  const raw: Record<string, unknown> = {};
  for (let i = 0; i < header.length; i++) {
    const cell = cells[i] as string;
    if (cell !== '') raw[header[i] as string] = cell;
    else raw[header[i] as string] = undefined;
  }
  return { raw };
}
