import { CutoverError, EXIT } from '../../errors.ts';
import { type HttpAnswer, type HttpCall, refusal, sendHttp } from '../http.ts';

/** What a DNS service's interface calls the things that can be wrong with a call. */
export interface RestWords {
  /** Where the zone is named in the config. */
  zone: string;
  /** Where the credentials are named in the config. */
  key: string;
  /** The service's own words in an answer that is not 2xx, on one line. */
  said(text: string): string;
}

/**
 * One call to a DNS service's interface that has to succeed.
 * @throws CutoverError DNS_UNREACHABLE, DNS_KEY_REJECTED, DNS_ZONE_UNKNOWN, DNS_REJECTED or DNS_FAILED (69)
 */
export async function callRest(call: HttpCall, words: RestWords): Promise<HttpAnswer> {
  const answer = await reach(call);
  const { status } = answer;
  if (status >= 200 && status <= 299) return answer;
  const message = refusal(call, answer, words.said(answer.text));
  const fault = (code: string, hint: string) => new CutoverError(code, EXIT.unreachable, message, { hint });
  if (status === 401 || status === 403) {
    throw fault('DNS_KEY_REJECTED', `check ${words.key}, and what it is allowed to do`);
  }
  if (status === 404) throw fault('DNS_ZONE_UNKNOWN', `check ${words.zone} and the address of the service`);
  if (status >= 400 && status <= 499 && status !== 429) {
    throw fault(
      'DNS_REJECTED',
      'a CNAME cannot stand beside other records of its name; see what the service says',
    );
  }
  throw fault('DNS_FAILED', 'the service is at fault, or asks for fewer calls; try again');
}

async function reach(call: HttpCall): Promise<HttpAnswer> {
  try {
    return await sendHttp(call);
  } catch (error) {
    if (!(error instanceof CutoverError) || error.exitCode !== EXIT.unreachable) throw error;
    throw new CutoverError('DNS_UNREACHABLE', EXIT.unreachable, error.message, {
      hint: 'is this the address of the service, and may this machine reach it?',
      cause: error,
    });
  }
}

/** @throws CutoverError DNS_ANSWER (69) when the text is not JSON */
export function parseAnswer(text: string, service: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw strangeAnswer(service, 'it is not JSON', cause);
  }
}

export function strangeAnswer(service: string, what: string, cause?: unknown): CutoverError {
  return new CutoverError(
    'DNS_ANSWER',
    EXIT.unreachable,
    `${service}: the answer cannot be understood: ${what}`,
    {
      hint: 'is this the address of the service’s interface?',
      cause,
    },
  );
}

/** The fields of an object; of anything else none. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
