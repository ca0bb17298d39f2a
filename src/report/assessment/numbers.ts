/** Numbers as people read them in a report, each with its unit. */

import { formatNumber } from '../../config/units.ts';

export function count(value: number): string {
  return formatNumber(value);
}

/** What amounts are shown in; all amounts come as USD. */
export interface Currency {
  /** ISO 4217. */
  code: string;
  perUsd: number;
}

export type Money = (usd: number) => string;

/** Smaller amounts are not written out: no price of a token is as small. */
const LEAST = 1e-6;

/** `$1,234.50`, `EUR 1,135.74`; amounts below a cent keep two significant digits, down to `< $0.000001`. */
export function moneyIn(currency: Currency | undefined): Money {
  const symbol = currency ? `${currency.code} ` : '$';
  const rate = currency?.perUsd ?? 1;
  return (usd) => {
    const size = Math.abs(usd) * rate;
    const sign = usd < 0 ? '-' : '';
    if (size > 0 && size < LEAST) return `${usd < 0 ? '> -' : '< '}${symbol}${LEAST.toFixed(6)}`;
    if (size > 0 && size < 0.01) {
      return `${sign}${symbol}${Number(size.toPrecision(2)).toFixed(decimalsOf(size))}`;
    }
    return `${sign}${symbol}${formatNumber(size, 2)}`;
  };
}

function decimalsOf(size: number): number {
  return 1 - Math.floor(Math.log10(size));
}

/** Milliseconds: whole from 100 on, with one decimal below. */
export function ms(value: number): string {
  return value >= 100 ? `${count(value)} ms` : `${Number(value.toFixed(1))} ms`;
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
  const text = Number(value.toFixed(value < 1 ? 3 : 1));
  return `${text} ${text === 1 ? 'day' : 'days'}`;
}

/** `1 request`, `2 requests`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}
