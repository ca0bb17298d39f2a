import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { usageMapSchema } from '../../../src/config/usage-map.ts';
import { CutoverError } from '../../../src/errors.ts';
import { FORMATS } from '../../../src/usage/formats/index.ts';
import { mappedFormat } from '../../../src/usage/map.ts';
import {
  literalPath,
  neededColumns,
  plainValue,
  quoteColumn,
  selectColumn,
} from '../../../src/usage/parquet/columns.ts';
import { isParquet } from '../../../src/usage/parquet/detect.ts';
import { loadDuckDb } from '../../../src/usage/parquet/duckdb.ts';

const columns = (...names: string[]) => names.map((name) => ({ name, type: 'VARCHAR' }));
const names = (list: readonly { name: string }[]) => list.map(({ name }) => name);

describe('a Parquet file', () => {
  it('is told by its name or its first bytes, and a pipe is never looked into', () => {
    const dir = mkdtempSync(join(tmpdir(), 'cutover-parquet-'));
    try {
      writeFileSync(join(dir, 'a'), 'PAR1....');
      writeFileSync(join(dir, 'b'), '{"model":"m"}');
      const input = (name: string, bytes: number | undefined) => ({ name, path: join(dir, name), bytes });
      expect(isParquet(input('a', 8))).toBe(true);
      expect(isParquet(input('a', undefined))).toBe(false);
      expect(isParquet(input('b', 8))).toBe(false);
      expect(isParquet(input('missing.PARQUET', undefined))).toBe(true);
      expect(isParquet({ name: '-', path: undefined, bytes: undefined })).toBe(false);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it('without DuckDB names the package and how to install it', () => {
    const nowhere = createRequire('/nonexistent/x.js');
    expect(() => loadDuckDb('usage.parquet', nowhere)).toThrow(
      'usage.parquet: reading Parquet needs the optional package @duckdb/node-api, which is not installed',
    );
    try {
      loadDuckDb('usage.parquet', nowhere);
    } catch (error) {
      expect(error).toBeInstanceOf(CutoverError);
      expect(error).toMatchObject({ code: 'PARQUET_SUPPORT_MISSING', exitCode: 69 });
      expect((error as CutoverError).hint).toContain('npm install @duckdb/node-api');
    }
  });

  it('is read only in the columns of its format', () => {
    const table = columns('prompt', 'model', 'input_tokens', 'output_tokens', 'answer', 'cost');
    expect(names(neededColumns(table, FORMATS))).toEqual(['model', 'input_tokens', 'output_tokens', 'cost']);
    const map = mappedFormat(
      usageMapSchema.parse({
        model: 'm',
        inputTokens: 'usage.in',
        outputTokens: { path: 'usage.out' },
        cost: 'a.b',
      }),
    );
    const nested = columns('prompt', 'm', 'usage', 'a', 'a.b');
    expect(names(neededColumns(nested, [...FORMATS, map]))).toEqual(['m', 'usage', 'a.b']);
    expect(names(neededColumns(nested, [map]))).toEqual(['m', 'usage', 'a.b']);
    expect(neededColumns(columns('x', 'y'), FORMATS)).toHaveLength(2);
  });

  it.each([
    ['BIGINT', '"c"'],
    ['VARCHAR', '"c"'],
    ['DECIMAL(10,4)', 'CAST("c" AS DOUBLE)'],
    ['FLOAT', 'CAST(CAST("c" AS VARCHAR) AS DOUBLE)'],
    ['UUID', 'CAST("c" AS VARCHAR)'],
    ["ENUM('a', 'b')", 'CAST("c" AS VARCHAR)'],
    ['STRUCT(a BIGINT)', 'CAST(to_json("c") AS VARCHAR)'],
    ['DOUBLE[]', 'CAST(to_json("c") AS VARCHAR)'],
    ['BLOB', undefined],
  ])('%s is selected as %s', (type, sql) => {
    expect(selectColumn({ name: 'c', type })).toBe(sql);
  });

  it('names and paths are taken as they are', () => {
    expect(quoteColumn('a"b')).toBe('"a""b"');
    expect(literalPath('/x/a[1]*?.parquet')).toBe('/x/a[[]1][*][?].parquet');
  });

  it('64-bit numbers stay exact', () => {
    expect([12n, 2n ** 53n, 1.5, null].map(plainValue)).toEqual([12, '9007199254740992', 1.5, null]);
  });
});
