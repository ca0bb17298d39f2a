import type { ErrorClass } from '../provider/error-class.ts';
import type { Answered } from './attempt.ts';
import type { Redactor } from './redact.ts';
import { readStream, type StreamFacts } from './sse.ts';
import { type Tokens, usageOf } from './usage.ts';

/** Thrown out of an answer's body when the side fails half-way: the client must see a broken answer, not an end. */
export class StreamCut extends Error {
  override readonly name = 'StreamCut';
  readonly errorClass: ErrorClass;
  constructor(errorClass: ErrorClass, cause?: unknown) {
    super(`the answer was cut short (${errorClass})`, cause === undefined ? undefined : { cause });
    this.errorClass = errorClass;
  }
}

/** How an answer ended. */
export interface AnswerEnd {
  tokens: Tokens | undefined;
  status: number | ErrorClass;
}

export interface Carried {
  body: AsyncIterableIterator<Buffer>;
  /** Bytes, when they are known before the first one. */
  length: number | undefined;
}

/**
 * Passes an answer on to the client at the client's pace and reads its token counts on the way. `onEnd` is called
 * once, however the answer ends: read to the end, broken by the side, or left by the client.
 * @param dropUsage leaves out the usage chunk that the router asked for.
 */
export function carry(
  answer: Answered,
  dropUsage: boolean,
  redactor: Redactor,
  onEnd: (end: AnswerEnd) => void,
): Carried {
  if (!answer.rest && !answer.streams) return carryWhole(answer, redactor, onEnd);
  const ok = answer.status < 300;
  const reader = readStream(dropUsage && answer.streams);
  let ended = false;
  const end = (status: number | ErrorClass) => {
    if (ended) return;
    ended = true;
    answer.close();
    onEnd({ tokens: reader.facts.tokens, status });
  };
  const clean = redactor.stream();
  const chunks = through(
    answer,
    (chunk) => clean.push(reader.push(chunk)),
    () => Buffer.concat([clean.push(reader.end()), clean.end()]),
  );
  const body: AsyncIterableIterator<Buffer> = {
    [Symbol.asyncIterator]: () => body,
    async next() {
      try {
        const step = await chunks.next();
        if (!step.done) return step;
      } catch (error) {
        const errorClass = answer.classify(error);
        end(errorClass);
        throw new StreamCut(errorClass, error);
      }
      const fault = ok && answer.streams ? streamFault(reader.facts) : undefined;
      end(fault ?? answer.status);
      if (fault === 'protocol') throw new StreamCut(fault);
      return { done: true, value: undefined };
    },
    async return() {
      end('cancelled');
      return { done: true, value: undefined };
    },
  };
  return { body, length: undefined };
}

/** An answer that has been read whole: it can no longer fail. */
function carryWhole(answer: Answered, redactor: Redactor, onEnd: (end: AnswerEnd) => void): Carried {
  answer.close();
  onEnd({ tokens: usageOf(answer.json), status: answer.status });
  const body = redactor.bytes(answer.head);
  return { body: once(body), length: body.length };
}

async function* through(
  { head, rest }: Answered,
  push: (chunk: Buffer) => Buffer,
  flush: () => Buffer,
): AsyncGenerator<Buffer> {
  const first = push(head);
  if (first.length > 0) yield first;
  while (rest) {
    const { value, done } = await rest.next();
    if (done) break;
    const out = push(value);
    if (out.length > 0) yield out;
  }
  const last = flush();
  if (last.length > 0) yield last;
}

/** A stream can end at HTTP's level and still have been cut: it lacks its own end. */
function streamFault(facts: StreamFacts): ErrorClass | undefined {
  if (facts.failed) return 'server_error';
  return facts.finished ? undefined : 'protocol';
}

async function* once(chunk: Buffer): AsyncGenerator<Buffer> {
  if (chunk.length > 0) yield chunk;
}
