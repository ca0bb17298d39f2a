import { resolve } from 'node:path';
import type { FlagConfig } from '../config/schema.ts';
import { CutoverError, EXIT } from '../errors.ts';
import type { HookHost } from '../hooks/create.ts';
import { callHttp, resolveHeaders, resolveUrl } from '../hooks/http.ts';
import type { FlagChange, FlagDriver, FlagReading } from './driver.ts';
import { fileFlag } from './file.ts';

export interface FlagHost extends HookHost {
  /** The migration's name: a command is told whose flag it sets. */
  migration: string;
}

/**
 * The flag driver that the config names. Nothing is read or contacted before it is used, and what only one driver
 * needs is loaded with it: an emergency's start is counted in milliseconds.
 */
export function createFlag(config: FlagConfig, host: FlagHost): FlagDriver {
  switch (config.driver) {
    case 'file':
      return fileFlag(resolve(host.dir, config.path), config.key, host.dir);
    case 'exec':
      return execFlag(config, host);
    case 'webhook':
      return webhookFlag(config, host);
  }
}

/** A further flag that traffic may follow; two of one file have the same label, and a step is found again by it. */
export function otherFlag(flag: FlagDriver, whence: string): FlagDriver {
  return { ...flag, label: `${flag.label} (${whence})` };
}

/**
 * A command of the user's own. It is run with `get` or `set` as its last argument; `set` finds the change as JSON
 * on stdin and in CUTOVER_FLAG_*; `get` prints the ratio, or JSON like `{"ratio":0.1,"token":7}`.
 */
function execFlag(config: Extract<FlagConfig, { driver: 'exec' }>, host: FlagHost): FlagDriver {
  const call = async (action: 'get' | 'set', change: FlagChange | null, signal: AbortSignal) => {
    const { runCommand } = await import('../hooks/exec.ts');
    return runCommand([...config.command, action], {
      cwd: host.dir,
      env: { ...host.env, ...commandMarks, ...(change ? flagVariables(change) : {}) },
      input: change ? JSON.stringify(change) : '',
      signal,
      redact: host.secrets.redactSaid,
    });
  };
  const label = `exec ${config.command[0]}`;
  const commandMarks = { CUTOVER_MIGRATION: host.migration, CUTOVER_CONFIG_DIR: host.dir };
  return {
    driver: 'exec',
    label,
    timeoutMs: config.timeout,
    retries: config.retries,
    fences: false,
    commandMarks,
    get: async (signal) => parseReading(await call('get', null, signal), label, host.secrets.redactSaid),
    set: async (change, signal) => {
      await call('set', change, signal);
      return [];
    },
  };
}

/** An HTTP resource: GET gives `{"ratio":0.1}` (more fields may stand beside it), POST of the change sets it. */
function webhookFlag(config: Extract<FlagConfig, { driver: 'webhook' }>, host: HookHost): FlagDriver {
  const call = async (method: 'GET' | 'POST', change: FlagChange | null, signal: AbortSignal) => {
    return callHttp({
      method,
      url: resolveUrl(config.url, 'flag.url', host.secrets),
      headers: {
        'content-type': 'application/json',
        ...(change ? { 'idempotency-key': `${change.operation}:${change.token}` } : {}),
        ...resolveHeaders(config.headers, 'flag.headers', host.secrets),
      },
      ...(change ? { body: JSON.stringify(change) } : {}),
      signal,
      secrets: host.secrets,
    });
  };
  return {
    driver: 'webhook',
    label: 'webhook',
    timeoutMs: config.timeout,
    retries: config.retries,
    fences: false,
    settlesMs: config.settlesIn,
    get: async (signal) =>
      parseReading((await call('GET', null, signal)).text, 'webhook', host.secrets.redact),
    set: async (change, signal) => {
      await call('POST', change, signal);
      return [];
    },
  };
}

function flagVariables(change: FlagChange): Record<string, string> {
  return {
    CUTOVER_FLAG_RATIO: String(change.ratio),
    CUTOVER_FLAG_TOKEN: String(change.token),
    CUTOVER_OPERATION_ID: change.operation,
    CUTOVER_OPERATION_KIND: change.kind,
  };
}

/** A store's answer to `get`: empty when there is no flag yet, a bare number, or a JSON object with `ratio`. */
function parseReading(text: string, label: string, redact: (text: string) => string): FlagReading | null {
  if (text.trim() === '') return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own error holds the beginning of the answer, and with it what secrets there are.
    throw unreadable(label, redact(text));
  }
  const fields =
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : { ratio: value };
  const { ratio, token, operation, kind } = fields;
  if (ratio === null) return null;
  if (typeof ratio !== 'number' || !(ratio >= 0 && ratio <= 1)) throw unreadable(label, redact(text));
  return {
    ratio,
    token: typeof token === 'number' ? token : 0,
    operation: typeof operation === 'string' ? redact(operation) : null,
    kind: typeof kind === 'string' ? redact(kind) : null,
  };
}

/** @param text without secrets */
function unreadable(label: string, text: string): CutoverError {
  return new CutoverError(
    'FLAG_INVALID',
    EXIT.unreachable,
    `${label}: the answer has no ratio: ${text.slice(0, 100)}`,
    { hint: 'a flag answers with its ratio, e.g. {"ratio": 0.1}' },
  );
}
