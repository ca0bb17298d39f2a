import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type Database from 'better-sqlite3';
import { CutoverError, EXIT, messageOf, systemCode } from '../errors.ts';
import { packageRoot } from '../package-root.ts';

const PACKAGE = 'better-sqlite3';

/**
 * Opens a SQLite database.
 * @param source a path, or the bytes of a database
 * @throws CutoverError STATE_DRIVER (1) when better-sqlite3 is not there, or not for this Node.js; what SQLite throws.
 */
export function openSqlite(source: string | Buffer, options: Database.Options = {}): Database.Database {
  const require = createRequire(import.meta.url);
  try {
    const Sqlite = require(PACKAGE) as typeof Database;
    return new Sqlite(source, { ...options, ...binding(require) });
  } catch (error) {
    const fault = driverFault(error);
    if (!fault) throw error;
    throw new CutoverError('STATE_DRIVER', EXIT.fault, `${fault}; type: ${remedy(require)}`, {
      cause: error,
    });
  }
}

/** Where the native part is after an ordinary install: better-sqlite3's own search for it takes milliseconds. */
function binding(require: NodeJS.Require): { nativeBinding?: string } {
  const file = join(dirname(require.resolve(`${PACKAGE}/package.json`)), 'build/Release/better_sqlite3.node');
  return existsSync(file) ? { nativeBinding: file } : {};
}

/** What is wrong with the package itself; undefined when it is something else. */
function driverFault(error: unknown): string | undefined {
  const message = messageOf(error);
  switch (systemCode(error)) {
    case 'MODULE_NOT_FOUND':
      return `${PACKAGE} is not installed`;
    case 'ERR_DLOPEN_FAILED':
      return message.includes('NODE_MODULE_VERSION')
        ? `${PACKAGE} was installed for another Node.js than this ${process.version}`
        : `${PACKAGE} cannot be loaded (${message.split('\n')[0]})`;
    default:
      return message.startsWith('Could not locate the bindings file')
        ? `${PACKAGE} was installed without its native part`
        : undefined;
  }
}

/** The command that mends it, where the package is. */
function remedy(require: NodeJS.Require): string {
  try {
    const folder = dirname(require.resolve(`${PACKAGE}/package.json`));
    return `npm rebuild ${PACKAGE} --prefix ${quoted(join(folder, '..', '..'))}`;
  } catch {
    return `npm install --omit=dev --prefix ${quoted(packageRoot())}`;
  }
}

/** For a shell, where it is needed. */
function quoted(path: string): string {
  return /^[\w./@+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
