import { createRequire } from 'node:module';
import { CutoverError, EXIT, systemCode } from '../../errors.ts';

/** The package that reads Parquet; heavy, so it is installed only by those who need it. */
export const DUCKDB_PACKAGE = '@duckdb/node-api';

/** As much of the package as is used. */
export interface DuckDb {
  DuckDBInstance: {
    create(path: string, settings: Record<string, string>): Promise<DuckDbInstance>;
  };
}
export interface DuckDbInstance {
  connect(): Promise<DuckDbConnection>;
  closeSync(): void;
}
export interface DuckDbConnection {
  runAndReadAll(sql: string, values: readonly unknown[]): Promise<{ getRows(): unknown[][] }>;
  stream(sql: string, values: readonly unknown[]): Promise<{ fetchChunk(): Promise<DuckDbChunk | null> }>;
  interrupt(): void;
  closeSync(): void;
}
export interface DuckDbChunk {
  rowCount: number;
  /** The values of each column. */
  getColumns(): unknown[][];
}

/**
 * Loads the package: from where cutover is installed, or from NODE_PATH.
 * @param name what is to be read, for the message.
 * @throws CutoverError PARQUET_SUPPORT_MISSING (exit 69) when it is not installed.
 */
export function loadDuckDb(name: string, require = createRequire(import.meta.url)): DuckDb {
  try {
    return require(DUCKDB_PACKAGE) as DuckDb;
  } catch (error) {
    if (systemCode(error) !== 'MODULE_NOT_FOUND') throw error;
    throw new CutoverError(
      'PARQUET_SUPPORT_MISSING',
      EXIT.unreachable,
      `${name}: reading Parquet needs the optional package ${DUCKDB_PACKAGE}, which is not installed`,
      {
        hint: `npm install ${DUCKDB_PACKAGE} (npm install --global ${DUCKDB_PACKAGE} beside a global cutover), or export the table as JSON lines`,
        cause: error,
      },
    );
  }
}
