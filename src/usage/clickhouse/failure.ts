import { clean } from '../../clean.ts';
import { CutoverError, EXIT } from '../../errors.ts';

/** Codes of ClickHouse's exceptions (its ErrorCodes.cpp). */
const UNKNOWN = [10, 16, 46, 47, 60, 81, 386, 43, 53];
const DENIED = [192, 193, 194, 497, 516];
const TOO_SLOW = [159, 160, 209];
const TOO_BIG = [241, 396, 307, 158];
/** A setting must not be changed (readonly users). */
export const READONLY = 164;

const MAX_MESSAGE = 400;

/** The code of the exception that a body tells of; undefined where it tells of none. */
export function exceptionCode(body: string): number | undefined {
  const code = /Code: (\d+)\./.exec(body)?.[1];
  return code === undefined ? undefined : Number(code);
}

/** What the server says, without its own bookkeeping and without anything a terminal would obey. */
export function exceptionText(body: string): string {
  const text = body
    .replace(/^[\s\S]*?Code: \d+\. DB::Exception: /, '')
    .replace(/\(version [^)]*(\([^)]*\))?[^)]*\)\s*$/, '')
    .replace(/\s+/g, ' ')
    .trim();
  return clean(text, MAX_MESSAGE);
}

/**
 * The error for an answer that is no result.
 * @param where the server, for people.
 * @param timeoutMs how long a query may take.
 */
export function serverFailure(where: string, status: number, body: string, timeoutMs: number): CutoverError {
  const code = exceptionCode(body);
  const said = exceptionText(body);
  const fail = (name: string, exit: 69 | 78, message: string, hint?: string) =>
    new CutoverError(name, exit, `${where}: ${message}`, { hint });
  if (code === undefined) {
    return status === 401 || status === 403
      ? fail('CLICKHOUSE_AUTH', EXIT.config, `HTTP ${status}: not let in${said && `: ${said}`}`, CREDENTIALS)
      : fail('CLICKHOUSE_FAILED', EXIT.unreachable, `HTTP ${status}${said && `: ${said}`}`, HTTP_INTERFACE);
  }
  if (DENIED.includes(code)) return fail('CLICKHOUSE_AUTH', EXIT.config, said, CREDENTIALS);
  if (UNKNOWN.includes(code)) return fail('CLICKHOUSE_SCHEMA', EXIT.config, said, SCHEMA);
  if (TOO_SLOW.includes(code)) {
    return fail('CLICKHOUSE_TIMEOUT', EXIT.unreachable, said, slowHint(timeoutMs));
  }
  return fail(
    'CLICKHOUSE_FAILED',
    EXIT.unreachable,
    `${said} (code ${code})`,
    TOO_BIG.includes(code) ? SMALLER : undefined,
  );
}

export function slowHint(timeoutMs: number): string {
  return `a query may take ${timeoutMs / 1000} s (usage.clickhouse.timeout); allow more, or ask for less with --since`;
}

const CREDENTIALS = 'look at usage.clickhouse.user and password; reading the table needs SELECT on it';
const SCHEMA = 'look at usage.clickhouse: database, table and columns';
const SMALLER = 'ask for less with --since, or raise the limit of the user on the server';
export const HTTP_INTERFACE =
  'is usage.clickhouse.url the HTTP interface of ClickHouse (port 8123, or 8443 with TLS)?';
