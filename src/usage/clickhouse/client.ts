import { clean } from '../../clean.ts';
import { CutoverError, EXIT, messageOf } from '../../errors.ts';
import { createLineSplitter } from '../lines.ts';
import { exceptionCode, HTTP_INTERFACE, READONLY, serverFailure, slowHint } from './failure.ts';
import type { Query } from './queries.ts';

export interface ClientSettings {
  /** The HTTP interface. */
  url: string;
  user: string | undefined;
  password: string | undefined;
  /** For each query. */
  timeoutMs: number;
  signal: AbortSignal;
  /** Takes secrets out of a text. */
  redact(text: string): string;
}

/**
 * Runs a query and gives its rows, each an array of cells.
 * @throws CutoverError CLICKHOUSE_UNREACHABLE, CLICKHOUSE_TIMEOUT, CLICKHOUSE_FAILED, CLICKHOUSE_ANSWER (exit 69),
 *   CLICKHOUSE_AUTH, CLICKHOUSE_SCHEMA (78), and the signal's own reason when it fires.
 */
export type RunQuery = (query: Query) => Promise<unknown[]>;

type Answer = { rows: unknown[] } | { status: number; body: string };

const MAX_ERROR_BYTES = 64 * 1024;

/**
 * A client of ClickHouse's HTTP interface.
 * @throws CutoverError CONFIG_INVALID (exit 78) when the URL is none, or holds credentials.
 */
export function createClickHouse(settings: ClientSettings): RunQuery {
  const base = addressOf(settings.url);
  const where = `ClickHouse at ${base.origin}`;
  // A user that may only read may not change settings either: then the limits are the server's own.
  let limits = true;
  return async function run(query) {
    const answer = await exchange(addressed(base, query, settings, limits), query, settings, where);
    if ('rows' in answer) return answer.rows;
    if (limits && exceptionCode(answer.body) === READONLY) {
      limits = false;
      return run(query);
    }
    throw serverFailure(where, answer.status, settings.redact(answer.body), settings.timeoutMs);
  };
}

function addressOf(text: string): URL {
  const invalid = (what: string) =>
    new CutoverError('CONFIG_INVALID', EXIT.config, `usage.clickhouse.url ${what}`);
  let url: URL;
  try {
    url = new URL(text);
  } catch (error) {
    void error;
    // The text may hold a secret, so neither it nor the parser's message is shown.
    throw invalid('is not a URL');
  }
  if (!/^https?:$/.test(url.protocol)) throw invalid('is not an http(s) URL');
  if (url.username !== '' || url.password !== '')
    throw invalid('holds credentials; give user and password instead');
  return url;
}

function addressed(base: URL, query: Query, settings: ClientSettings, limits: boolean): URL {
  const url = new URL(base);
  url.searchParams.set('default_format', 'JSONCompactEachRow');
  // An error that comes late must not look like a short result.
  url.searchParams.set('wait_end_of_query', '1');
  if (limits) {
    url.searchParams.set('max_execution_time', String(Math.ceil(settings.timeoutMs / 1000)));
    url.searchParams.set('cancel_http_readonly_queries_on_client_close', '1');
  }
  for (const [name, value] of Object.entries(query.params)) url.searchParams.set(`param_${name}`, value);
  return url;
}

async function exchange(url: URL, query: Query, settings: ClientSettings, where: string): Promise<Answer> {
  const { user, password, timeoutMs } = settings;
  // The default export: named ones of a CommonJS package do not survive bundling behind a dynamic import.
  const { default: undici } = await import('undici');
  const timeout = AbortSignal.timeout(timeoutMs);
  const credentials = Buffer.from(`${user ?? 'default'}:${password ?? ''}`).toString('base64');
  try {
    const response = await undici.request(url, {
      method: 'POST',
      headers: {
        'user-agent': 'cutover',
        ...(user === undefined && password === undefined ? {} : { authorization: `Basic ${credentials}` }),
      },
      body: query.sql,
      signal: AbortSignal.any([settings.signal, timeout]),
      // The two signals above are the only clocks.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    if (response.statusCode === 200) return await readRows(response.body, where);
    return { status: response.statusCode, body: await readStart(response.body) };
  } catch (error) {
    if (error instanceof CutoverError) throw error;
    if (settings.signal.aborted) throw settings.signal.reason;
    if (timeout.aborted) {
      const message = `${where}: no answer within ${timeoutMs / 1000} s`;
      throw new CutoverError('CLICKHOUSE_TIMEOUT', EXIT.unreachable, message, {
        hint: slowHint(timeoutMs),
        cause: error,
      });
    }
    const why = clean(settings.redact(connectionFault(error)));
    throw new CutoverError('CLICKHOUSE_UNREACHABLE', EXIT.unreachable, `${where}: ${why}`, {
      hint: 'is it running, and is usage.clickhouse.url right?',
      cause: error,
    });
  }
}

async function readRows(body: AsyncIterable<Buffer>, where: string): Promise<Answer> {
  const rows: unknown[] = [];
  let failed: string | undefined;
  const lines = createLineSplitter(({ text }) => {
    if (failed !== undefined) return;
    try {
      rows.push(JSON.parse(text));
    } catch (error) {
      void error;
      failed = text;
    }
  });
  for await (const chunk of body) lines.write(chunk);
  lines.end();
  if (failed === undefined) return { rows };
  if (exceptionCode(failed) !== undefined) return { status: 200, body: failed };
  throw new CutoverError(
    'CLICKHOUSE_ANSWER',
    EXIT.unreachable,
    `${where}: the answer is no result of a query`,
    {
      hint: HTTP_INTERFACE,
    },
  );
}

async function readStart(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAX_ERROR_BYTES) break;
  }
  return Buffer.concat(chunks).toString('utf8', 0, MAX_ERROR_BYTES);
}

/** undici wraps the socket's own error, sometimes one for each address tried. */
function connectionFault(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return messageOf(error) || code || 'no connection';
}
