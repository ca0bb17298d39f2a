import { defineBundling } from './bundle.ts';
import { jsonFunctions } from './json.ts';
import * as at from './layout.ts';
import { defineNumeric } from './number.ts';
import { defineScan } from './scan.ts';
import { defineTime } from './time.ts';
import { defineToken } from './token.ts';
import { createModule } from './wasm.ts';

/**
 * The kernel: reads lines of the native format into rows of numbers. It judges nothing: a line with a fault, or with
 * anything that is not worth the code here, is left to JSON.parse and the native format.
 *
 * Exports `scan(from, limit)`: reads the lines between two places of the memory (each ends with a line break) into
 * rows or, row by row, into bundles, and tells by a Stop why it returned. Imports:
 * - `number(start, end)`: the double of a JSON number;
 * - `duration(value)`: a duration without the errors of conversion; -1 when it is out of range;
 * - `time(start, end)`: Unix milliseconds of a JSON value; NaN when it is absent, -1 when it is no time;
 * - `date(start)`: sets DATE and MIDNIGHT to the 11 bytes at a place; 0 when they are no date;
 * - those of BundleImports.
 */
export function kernelBinary(): Uint8Array<ArrayBuffer> {
  const module = createModule();
  const imports = {
    number: module.imported('number', { params: ['i32', 'i32'], result: 'f64' }),
    duration: module.imported('duration', { params: ['f64'], result: 'f64' }),
    time: module.imported('time', { params: ['i32', 'i32'], result: 'f64' }),
    date: module.imported('date', { params: ['i32'], result: 'i32' }),
  };
  const bundleImports = {
    span: module.imported('span', { params: ['f64'] }),
    open: module.imported('open', { params: ['i32', 'i32'], result: 'i32' }),
    flush: module.imported('flush', { params: ['i32'] }),
    rest: module.imported('rest', { params: ['i32', 'f64'] }),
  };
  const json = jsonFunctions(module);
  const readers = {
    numeric: defineNumeric(module, json, imports),
    time: defineTime(module, json, imports),
    token: defineToken(module, json),
  };
  defineScan(module, json, readers, defineBundling(module, bundleImports));
  return module.binary(at.PAGES);
}
