import { isObject, type Tokens, usageOf } from './usage.ts';

/** What a stream of server-sent events has said so far. */
export interface StreamFacts {
  tokens: Tokens | undefined;
  /** The stream came to its own end: `[DONE]`, a finish reason, or the responses API's last event. */
  finished: boolean;
  /** The provider reported an error inside the stream. */
  failed: boolean;
}

export interface StreamReader {
  readonly facts: StreamFacts;
  /** Takes bytes from upstream and gives back the bytes for the client, which may be none yet. */
  push(chunk: Buffer): Buffer;
  /** What is still held when the stream ends. */
  end(): Buffer;
}

/** Two line ends in a row, each CR LF, LF or CR. A last CR counts when it is known that no LF follows. */
const BLANK_LINE = /(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?=[^\n]))/g;
const FINISH = /"finish_reason"\s*:\s*"|"type"\s*:\s*"response\.(?:completed|incomplete|failed)"/;
const WORTH_PARSING = /"usage"\s*:\s*\{|"error"\s*:\s*\{/;
/** An event longer than this is passed on unread, so that a broken stream cannot fill the memory. */
const MAX_EVENT = 4 * 1024 * 1024;

/**
 * Reads a stream while it passes. Every byte is handed on unchanged and at once, except that with `dropUsage` whole
 * events are handed on and the chunk that carries nothing but usage is left out.
 */
export function readStream(dropUsage: boolean): StreamReader {
  const facts: StreamFacts = { tokens: undefined, finished: false, failed: false };
  // One character a byte (latin1), so that positions in the text are positions in the bytes.
  let pending = '';
  // Up to here there is no blank line in `pending`, however often it has grown since.
  let searched = 0;

  const take = (last: boolean): Buffer => {
    let kept = '';
    let from = 0;
    BLANK_LINE.lastIndex = searched;
    for (let match = BLANK_LINE.exec(pending); match; match = BLANK_LINE.exec(pending)) {
      const end = BLANK_LINE.lastIndex;
      const event = pending.slice(from, end);
      if (!noteEvent(event, facts) || !dropUsage) kept += event;
      from = end;
    }
    const rest = pending.slice(from);
    if (last || rest.length > MAX_EVENT) {
      if (last) noteEvent(rest, facts);
      kept += rest;
      pending = '';
    } else pending = rest;
    searched = Math.max(0, pending.length - 3);
    return Buffer.from(kept, 'latin1');
  };

  return {
    facts,
    push(chunk) {
      pending += chunk.toString('latin1');
      const whole = take(false);
      return dropUsage ? whole : chunk;
    },
    end() {
      const rest = take(true);
      return dropUsage ? rest : Buffer.alloc(0);
    },
  };
}

/** Notes what an event says. @returns true for a chunk with usage and nothing else. */
function noteEvent(event: string, facts: StreamFacts): boolean {
  if (FINISH.test(event)) facts.finished = true;
  const worthParsing = WORTH_PARSING.test(event);
  if (!worthParsing && !event.includes('[DONE]')) return false;
  const data = dataOf(event);
  if (data.trim() === '[DONE]') facts.finished = true;
  if (!worthParsing) return false;
  const json = parse(data);
  if (!isObject(json)) return false;
  if (isObject(json.error) || json.type === 'response.failed') facts.failed = true;
  const tokens = usageOf(json);
  if (tokens) facts.tokens = tokens;
  return tokens !== undefined && Array.isArray(json.choices) && json.choices.length === 0;
}

/** The payload of an event: its `data` lines, joined. */
function dataOf(event: string): string {
  return event
    .split(/\r\n|\n|\r/)
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(5))
    .join('\n');
}

function parse(latin1: string): unknown {
  try {
    return JSON.parse(Buffer.from(latin1, 'latin1').toString('utf8'));
  } catch {
    return undefined;
  }
}
