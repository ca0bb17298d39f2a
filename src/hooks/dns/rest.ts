import { CutoverError, EXIT } from '../../errors.ts';
import { type HttpAnswer, type HttpCall, refusal, sendHttp } from '../http.ts';
import { NOT_ALONE_HINT } from './alone.ts';

/** What a DNS service's interface calls the things that can be wrong with a call. */
export interface RestWords {
  /** Where the zone is named in the config. */
  zone: string;
  /** Where the credentials are named in the config. */
  key: string;
  /** The service's own words in an answer that is not 2xx. */
  said(text: string): string;
  /** What they mean, where the status alone does not tell. */
  meaning?(said: string): RestFault | undefined;
}

export type RestFault = keyof typeof HINTS;

const HINTS = {
  DNS_KEY_REJECTED: (words: RestWords) => `check ${words.key}, and what it is allowed to do`,
  DNS_ZONE_UNKNOWN: (words: RestWords) => `check ${words.zone} and the address of the service`,
  DNS_CHANGED: () =>
    'something else has changed the records after they were read: look at what else writes there',
  DNS_NOT_ALONE: () => NOT_ALONE_HINT,
  DNS_REJECTED: () => 'a CNAME cannot stand beside other records of its name; see what the service says',
  DNS_FAILED: () => 'the service is at fault, or asks for fewer calls; try again',
};

/**
 * One call to a DNS service's interface that has to succeed.
 * @throws CutoverError DNS_UNREACHABLE or a RestFault (69)
 */
export async function callRest(call: HttpCall, words: RestWords): Promise<HttpAnswer> {
  const answer = await reach(call);
  if (answer.status >= 200 && answer.status <= 299) return answer;
  const said = words.said(answer.text);
  const code = words.meaning?.(said) ?? meaningOf(answer.status);
  throw new CutoverError(code, EXIT.unreachable, refusal(call, answer, said), { hint: HINTS[code](words) });
}

function meaningOf(status: number): RestFault {
  if (status === 401 || status === 403) return 'DNS_KEY_REJECTED';
  if (status === 404) return 'DNS_ZONE_UNKNOWN';
  return status >= 400 && status <= 499 && status !== 429 ? 'DNS_REJECTED' : 'DNS_FAILED';
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
