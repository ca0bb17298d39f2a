/**
 * The units that people write in cutover.yaml and on the command line. Each parser returns undefined
 * for text it does not understand; the caller says where the text stood.
 */

const DURATION_UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A hundred years: whatever is longer is a slip of the finger, and may lead to a time that no date can say. */
const LONGEST_MS = 36_525 * 86_400_000;

/** `10s`, `1.5m`, `2h30m`, `250ms` → milliseconds; undefined too for more than a hundred years. */
export function parseDuration(text: string): number | undefined {
  const parts = [...text.trim().matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== text.trim()) return undefined;
  const ms = parts.reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * (DURATION_UNITS[unit ?? ''] ?? 0),
    0,
  );
  return ms <= LONGEST_MS ? ms : undefined;
}

/** Milliseconds → `10s`, `1m30s`, `250ms`; the inverse of parseDuration for whole milliseconds. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  if (ms < 1000) return `${Math.round(ms)}ms`;
  if (ms < 60_000) return `${Number((ms / 1000).toFixed(1))}s`;
  let seconds = Math.round(ms / 1000);
  let text = '';
  for (const [unit, size] of [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
    ['s', 1],
  ] as const) {
    const amount = Math.floor(seconds / size);
    seconds -= amount * size;
    if (amount > 0) text += `${amount}${unit}`;
  }
  return text;
}

/** `25%` → 0.25, `0.25` → 0.25; a bare number above 1 is refused, as 25 could mean either. */
export function parseRatio(text: string | number): number | undefined {
  const value = parseShare(text);
  return value !== undefined && value >= 0 && value <= 1 ? value : undefined;
}

/** Like parseRatio but may exceed 1: `150%` → 1.5. */
export function parseShare(text: string | number): number | undefined {
  if (typeof text === 'number') return Number.isFinite(text) ? text : undefined;
  const match = /^(\d+(?:\.\d+)?|\.\d+)(%?)$/.exec(text.trim());
  if (!match) return undefined;
  // Dividing keeps 0.1% and its kin at the nearest double: 0.1 / 100 is, 0.1 * 0.01 is not.
  return match[2] === '%' ? Number(match[1]) / 100 : Number(match[1]);
}

/** `0.5pp` (percentage points) → 0.005. */
export function parsePoints(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*pp$/.exec(text.trim());
  return match ? Number(match[1]) / 100 : undefined;
}

/** 0.25 → `25 %`, 0.005 → `0.5 %`: a ratio as people read it. */
export function formatRatio(ratio: number): string {
  const percent = Number((ratio * 100).toFixed(3));
  // 0 % is no request, and 100 % every one.
  if (percent === 0 && ratio > 0) return 'less than 0.001 %';
  if (percent === 100 && ratio < 1) return 'more than 99.999 %';
  return `${percent} %`;
}

/**
 * 1234.5 → `1,235`, with two decimals `1,234.50`. Written out here, as Node.js takes as long to load its locales as a
 * short command takes in all.
 */
export function formatNumber(value: number, decimals = 0): string {
  const [whole = '', fraction] = value.toFixed(decimals).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}
