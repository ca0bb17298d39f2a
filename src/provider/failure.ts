import { messageOf, systemCode } from '../errors.ts';
import { classifyStatus, type ErrorClass } from './error-class.ts';

/** A request that did not succeed. Never thrown: a failure is what the canary measures. */
export interface Failure {
  readonly ok: false;
  readonly errorClass: ErrorClass;
  /** HTTP status, where there was an answer. */
  readonly status?: number;
  /** One printable line; secrets are blotted out. */
  readonly message: string;
  readonly latencyMs: number;
  /** What the provider asked for with Retry-After. */
  readonly retryAfterMs?: number;
  readonly requestId?: string;
  /** No connection was made at all: the fault may lie on our side of the network. */
  readonly unreachable?: true;
}

export type Fault = Pick<Failure, 'errorClass' | 'message' | 'unreachable'>;

/** Why we gave up ourselves; the reason that our abort signals carry. */
export class GaveUp extends Error {
  override readonly name = 'GaveUp';
  readonly errorClass: ErrorClass;

  constructor(errorClass: ErrorClass, message: string) {
    super(message);
    this.errorClass = errorClass;
  }
}

/** Socket errors of a connection that had been made. Every other one means that none was. */
const HAD_CONNECTION = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'ERR_STREAM_PREMATURE_CLOSE']);
const NOT_HTTP = /^(HPE_|UND_ERR_(HEADERS_OVERFLOW|RES_))/;

/** Classifies what was thrown before the head of an answer had come. */
export function faultBeforeAnswer(error: unknown): Fault {
  if (error instanceof GaveUp) return { errorClass: error.errorClass, message: error.message };
  const code = systemCode(error) ?? '';
  if (code === 'UND_ERR_CONNECT_TIMEOUT') {
    return { errorClass: 'timeout', message: 'no connection in time', unreachable: true };
  }
  if (NOT_HTTP.test(code)) return { errorClass: 'protocol', message: `not HTTP: ${reason(error)}` };
  if (code.startsWith('UND_ERR_') && !HAD_CONNECTION.has(code))
    return { errorClass: 'other', message: reason(error) };
  const fault: Fault = { errorClass: 'connection', message: reason(error) };
  return HAD_CONNECTION.has(code) ? fault : { ...fault, unreachable: true };
}

/** Classifies what was thrown while the body came: the answer began and did not end. */
export function faultInAnswer(error: unknown): Fault {
  if (error instanceof GaveUp) return { errorClass: error.errorClass, message: error.message };
  return { errorClass: 'protocol', message: `the answer broke off: ${reason(error)}` };
}

/** The class of an error object inside an answer with status 200, as some providers send it. */
export function classifyErrorBody(error: unknown): ErrorClass {
  const code =
    typeof error === 'object' && error !== null && 'code' in error ? Number(error.code) : Number.NaN;
  return (Number.isInteger(code) && classifyStatus(code)) || 'server_error';
}

/** Retry-After as milliseconds from `now` (Unix ms): seconds, or an HTTP date. */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+(\.\d+)?$/.test(header.trim())) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

const LONGEST = 300;

/** One line without control characters, so that no server can write to our terminal. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
  const clean = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]+/g, ' ').trim();
  return clean.length > LONGEST ? `${clean.slice(0, LONGEST)}…` : clean;
}

/** Node wraps the failures of several addresses in an error without a message. */
function reason(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  return messageOf(error) || systemCode(error) || 'unknown';
}
