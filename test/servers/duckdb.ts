import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DUCKDB_PACKAGE, type DuckDb, loadDuckDb } from '../../src/usage/parquet/duckdb.ts';

const own = fileURLToPath(new URL('../../', import.meta.url));

/** The folder that DuckDB is resolved from: CUTOVER_BENCH_MODULES, else the project's own; undefined when it is in neither. */
export function duckDbFolder(): string | undefined {
  const candidates = [process.env.CUTOVER_BENCH_MODULES, own].filter((folder) => folder !== undefined);
  return candidates.find((folder) => {
    try {
      createRequire(join(folder, 'x.js')).resolve(DUCKDB_PACKAGE);
      return true;
    } catch (error) {
      void error;
      return false;
    }
  });
}

/** Whether there is a DuckDB to test with; says loudly when there is none. */
export function hasDuckDb(): boolean {
  if (duckDbFolder() !== undefined) return true;
  process.stderr.write(
    `\n*** SKIPPED: the tests on real Parquet files need ${DUCKDB_PACKAGE}: npm install --prefix DIR ${DUCKDB_PACKAGE}, then CUTOVER_BENCH_MODULES=DIR ***\n\n`,
  );
  return false;
}

/** Runs statements in a database of their own, such as COPY … TO 'x.parquet'. */
export async function runDuckDb(...statements: string[]): Promise<void> {
  const duckDb: DuckDb = loadDuckDb('test', createRequire(join(duckDbFolder() ?? own, 'x.js')));
  const instance = await duckDb.DuckDBInstance.create(':memory:', {});
  const connection = await instance.connect();
  for (const statement of statements) await connection.runAndReadAll(statement, []);
  connection.closeSync();
  instance.closeSync();
}

/** The variables that let the built command find it. */
export function duckDbEnv(): Record<string, string> {
  return { NODE_PATH: join(duckDbFolder() ?? own, 'node_modules') };
}
