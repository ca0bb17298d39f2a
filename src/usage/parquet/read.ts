import { clean } from '../../clean.ts';
import { CutoverError, EXIT, messageOf } from '../../errors.ts';
import type { InputFile } from '../inputs.ts';
import { type ReadOptions, type SourceSummary, summaryOf } from '../read.ts';
import { createRecogniser } from '../recognise.ts';
import { createSourceSink } from '../sink.ts';
import { literalPath, neededColumns, type ParquetColumn, plainValue, selectColumn } from './columns.ts';
import { type DuckDbConnection, loadDuckDb } from './duckdb.ts';

/**
 * Reads a Parquet file: its rows are what the objects of a JSON log are, so that every format that is told by its
 * fields, and a mapping, read them alike. A row's number takes the place of the line.
 * @throws CutoverError PARQUET_SUPPORT_MISSING (exit 69), UNREADABLE, UNKNOWN_FORMAT (65).
 */
export async function readParquet(input: InputFile, options: ReadOptions): Promise<SourceSummary> {
  const { name } = input;
  const { DuckDBInstance } = loadDuckDb(name);
  const unreadable = (cause: unknown) =>
    new CutoverError(
      'UNREADABLE',
      EXIT.input,
      `${name}: not a Parquet file that can be read: ${said(cause)}`,
      { cause },
    );
  // Nothing is fetched from anywhere: what is needed is part of the package.
  const instance = await DuckDBInstance.create(':memory:', { autoinstall_known_extensions: 'false' });
  const connection = await instance.connect();
  const stop = () => connection.interrupt();
  options.signal?.addEventListener('abort', stop, { once: true });
  try {
    return await readRows(connection, input, options, unreadable);
  } finally {
    options.signal?.removeEventListener('abort', stop);
    connection.closeSync();
    instance.closeSync();
  }
}

async function readRows(
  connection: DuckDbConnection,
  { name, path }: InputFile,
  options: ReadOptions,
  unreadable: (cause: unknown) => CutoverError,
): Promise<SourceSummary> {
  const from = [literalPath(path ?? name)];
  const sink = createSourceSink(name, options);
  const recogniser = createRecogniser(options.formats, { name }, sink.at);
  const attempt = <T>(step: Promise<T>): Promise<T | undefined> =>
    step.catch((error: unknown) => {
      if (options.signal?.aborted) return undefined;
      throw unreadable(error);
    });
  const described = await attempt(connection.runAndReadAll('DESCRIBE SELECT * FROM read_parquet($1)', from));
  const columns: ParquetColumn[] = (described?.getRows() ?? []).map(([column, type]) => ({
    name: String(column),
    type: String(type),
  }));
  const read = neededColumns(columns, options.formats).flatMap((column) => {
    const sql = selectColumn(column);
    return sql === undefined ? [] : [{ name: column.name, sql }];
  });
  const select = read.map(({ sql }) => sql).join(', ');
  const rows =
    select === ''
      ? undefined
      : await attempt(connection.stream(`SELECT ${select} FROM read_parquet($1)`, from));
  let row = 0;
  while (rows && !options.signal?.aborted) {
    const chunk = await attempt(rows.fetchChunk());
    if (!chunk || chunk.rowCount === 0) break;
    const values = chunk.getColumns();
    for (let i = 0; i < chunk.rowCount; i++) {
      const raw: Record<string, unknown> = {};
      for (let column = 0; column < read.length; column++) {
        raw[(read[column] as { name: string }).name] = plainValue(values[column]?.[i]);
      }
      row++;
      recogniser.object(raw, row);
    }
  }
  recogniser.end();
  return summaryOf(name, recogniser, sink);
}

/** The first line of what DuckDB says; the rest repeats the query. */
function said(error: unknown): string {
  const message = error instanceof Error ? error.message : messageOf(error);
  return clean((message.split('\n')[0] ?? '').trim(), 300);
}
