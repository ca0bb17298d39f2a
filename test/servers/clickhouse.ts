import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { firstLine, stopProcess } from './start.ts';

export interface ClickHouseServer {
  url: string;
  /** Runs a statement as it is and gives the text of the answer. */
  run(sql: string): Promise<string>;
  /** What was asked since the last call. */
  queries(): Promise<{ sql: string; search: string }[]>;
  stop(): Promise<void>;
}

const script = fileURLToPath(new URL('./clickhouse.mjs', import.meta.url));

/** The folder that chdb is resolved from: CUTOVER_CHDB_MODULES, else the project's own; undefined when it is in neither. */
export function chdbFolder(): string | undefined {
  const own = fileURLToPath(new URL('../../', import.meta.url));
  const candidates = [process.env.CUTOVER_CHDB_MODULES, own].filter((folder) => folder !== undefined);
  return candidates.find((folder) => {
    try {
      createRequire(join(folder, 'x.js')).resolve('chdb');
      return true;
    } catch (error) {
      void error;
      return false;
    }
  });
}

/** Whether there is an engine to test against; says loudly when there is none. */
export function hasClickHouse(): boolean {
  if (chdbFolder() !== undefined) return true;
  process.stderr.write(
    '\n*** SKIPPED: the tests on a real ClickHouse engine need chdb: npm install --prefix DIR chdb, then CUTOVER_CHDB_MODULES=DIR ***\n\n',
  );
  return false;
}

/** Starts test/servers/clickhouse.mjs as a process. */
export async function startClickHouse(flags: string[] = []): Promise<ClickHouseServer> {
  const folder = chdbFolder();
  if (folder === undefined) throw new Error('chdb is not installed');
  const child = spawn(process.execPath, [script, '--modules', folder, ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = `http://127.0.0.1:${(JSON.parse(await firstLine(child)) as { port: number }).port}`;
  const credentials = ['--user', '--password'].map((flag) =>
    flags.includes(flag) ? (flags[flags.indexOf(flag) + 1] ?? '') : '',
  );
  return {
    url,
    async run(sql) {
      const response = await fetch(url, {
        method: 'POST',
        body: sql,
        headers: { authorization: `Basic ${Buffer.from(credentials.join(':')).toString('base64')}` },
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${text}\n${sql.slice(0, 2000)}`);
      return text;
    },
    queries: async () =>
      (await fetch(`${url}/__queries`)).json() as Promise<{ sql: string; search: string }[]>,
    stop: () => stopProcess(child),
  };
}
