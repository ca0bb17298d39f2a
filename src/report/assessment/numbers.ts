/** Numbers as people read them in a report, each with its unit. The locale is fixed: a report is the same everywhere. */

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

export function count(value: number): string {
  return whole.format(value);
}

/** `$1,234.50`; amounts below a cent keep two significant digits. */
export function usd(value: number): string {
  const size = Math.abs(value);
  const sign = value < 0 ? '-' : '';
  if (size > 0 && size < 0.01) return `${sign}$${Number(size.toPrecision(2)).toFixed(decimalsOf(size))}`;
  return `${sign}$${size.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

function decimalsOf(size: number): number {
  return Math.min(12, 1 - Math.floor(Math.log10(size)));
}

/** Milliseconds: whole from 100 on, with one decimal below. */
export function ms(value: number): string {
  return value >= 100 ? `${whole.format(value)} ms` : `${Number(value.toFixed(1))} ms`;
}

/** A percentage (94.75 → `94.75 %`), two decimals at most. */
export function percent(value: number): string {
  return `${Number(value.toFixed(2))} %`;
}

/** A share (0.5 → `50 %`). */
export function share(value: number): string {
  if (value > 0 && value < 0.0001) return '< 0.01 %';
  return percent(value * 100);
}

export function days(value: number): string {
  return `${Number(value.toFixed(1))} ${value === 1 ? 'day' : 'days'}`;
}

/** `1 request`, `2 requests`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}
