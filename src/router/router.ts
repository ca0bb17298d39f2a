import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { bucketSide } from '../flag/flagd.ts';
import type { Side } from '../world.ts';
import { type Carried, carry } from './answer.ts';
import type { Failed, Reply } from './attempt.ts';
import type { BreakerPolicy, BreakerState } from './breaker.ts';
import { type FallbackPolicy, type FlagNow, maySend, nextSide } from './choose.ts';
import { clientHeaders, createUpstream, type Forward } from './headers.ts';
import { stickyKey } from './key.ts';
import { type Finished, type UsageLine, usageLine } from './record.ts';
import { createRedactor, type Redactor } from './redact.ts';
import { bodyFor, type Endpoint, parseBody } from './request.ts';
import type { RetryPolicy } from './retry.ts';
import { createSideClient, type SideClient, type SideOptions } from './side-client.ts';
import { createWaiting } from './waiting.ts';

/** Where the router learns the ratio from. */
export interface FlagSource {
  /** What the flag says, looked up anew where what is known is not fresh. Asked before every try. */
  fresh(): Promise<FlagNow>;
  /** The listener is told whenever the flag says something else. */
  onChange(listener: (flag: FlagNow) => void): void;
}

export interface RouterOptions {
  sides: Readonly<Record<Side, SideOptions>>;
  /** Legacy model to target model; `"*"` stands for every other one. */
  models: Readonly<Record<string, string>>;
  /** Key of the flag: part of what decides a request's side. */
  flagKey: string;
  flag: FlagSource;
  /** See stickyKey. */
  stickyBy: string;
  fallback: FallbackPolicy;
  retry: RetryPolicy;
  breaker: BreakerPolicy;
  /** What goes upstream besides the router's own lists. */
  forward: Forward;
  /** What no client may ever be told. */
  secrets: readonly string[];
  /** The most connections to each side; undefined for no bound. */
  connections?: number | undefined;
  /** Is given one line for each side that a request was sent to. */
  onUsage(line: UsageLine): void;
  onBreaker?(side: Side, state: BreakerState): void;
  /** Is told how many requests that waited for target the flag has cut; they go to legacy. */
  onCut?(requests: number): void;
  /** Unix milliseconds. */
  now?(): number;
  /** In [0, 1). */
  random?(): number;
}

export interface RouterRequest {
  endpoint: Endpoint;
  /** With its question mark, or empty. */
  query: string;
  headers: IncomingHttpHeaders;
  /** Null for GET. */
  body: Buffer | null;
  /** Fires when the client is gone. */
  signal: AbortSignal;
}

export interface RouterAnswer {
  /** The side whose answer this is; null when it is the router's own. */
  source: Side | null;
  status: number;
  headers: Record<string, string | string[]>;
  /** Must be read or returned; throws StreamCut when the side fails half-way. */
  body: AsyncIterableIterator<Buffer>;
}

export interface Router {
  /**
   * Carries one request: to its side, and to the other one if that fails before its first byte. Always resolves:
   * when both sides fail the answer is the last one's own words, or a 502 or 504.
   */
  handle(request: RouterRequest): Promise<RouterAnswer>;
  breakers(): Record<Side, BreakerState>;
  close(): Promise<void>;
}

export function createRouter(options: RouterOptions): Router {
  const now = options.now ?? Date.now;
  const random = options.random ?? Math.random;
  const upstream = createUpstream(options.forward);
  const redactor = createRedactor(options.secrets);
  const waiting = createWaiting();
  options.flag.onChange((flag) => {
    const cut = flag.ratio === 0 ? waiting.cut() : 0;
    if (cut > 0) options.onCut?.(cut);
  });
  const client = (side: Side): SideClient =>
    createSideClient(options.sides[side], {
      retry: options.retry,
      breaker: options.breaker,
      upstream,
      connections: options.connections,
      now,
      random,
      onBreaker: (state) => options.onBreaker?.(side, state),
    });
  const clients: Record<Side, SideClient> = { legacy: client('legacy'), target: client('target') };

  async function handle(request: RouterRequest): Promise<RouterAnswer> {
    const { endpoint } = request;
    const body = request.body === null ? null : parseBody(request.body);
    if (typeof body === 'string') return errorAnswer(400, 'invalid_request_error', body);
    const sticky = stickyKey(request.headers, body?.json ?? null, options.stickyBy, randomUUID);
    const sentTo = (flag: FlagNow) => bucketSide(options.flagKey, sticky.key, flag.ratio);
    const id = randomUUID();
    const user = body?.json.user;
    const asked = new Set<Side>();
    const failures: string[] = [];
    let preferred: Side | undefined;
    let last: Failed | undefined;
    let reply: { side: Side; reply: Reply } | undefined;

    for (;;) {
      const flag = await options.flag.fresh();
      const sent = sentTo(flag);
      preferred ??= sent;
      const choice = nextSide(sent, flag, options.fallback, asked, (each) => clients[each].breaker.admits());
      if (!choice) break;
      const { side, pastBreaker } = choice;
      asked.add(side);
      const wait = side === 'target' ? waiting.enter(request.signal) : undefined;
      const provider = options.sides[side];
      const sideBody = bodyFor(side, body, endpoint, options.models);
      const at = now();
      const started = performance.now();
      const { attempt, tries } = await clients[side].send(
        {
          method: request.body === null ? 'GET' : 'POST',
          path: endpoint.path,
          query: request.query,
          headers: request.headers,
          body: sideBody.bytes,
          signal: wait?.signal ?? request.signal,
        },
        pastBreaker,
        async () => {
          const current = await options.flag.fresh();
          // A request that has gone to legacy stays there, whatever the flag says by now.
          return side === 'legacy' || maySend(side, sentTo(current), current, options.fallback);
        },
      );
      wait?.leave();
      const elapsed = () => performance.now() - started;
      const fallback = side !== preferred;
      const record = (done: Pick<Finished, 'tokens' | 'ttftMs' | 'status'>) => {
        if (tries === 0) return;
        const line: Finished = {
          // Each line has its own id, so that a reader that drops duplicates keeps both.
          id: last ? `${id}/2` : id,
          at,
          side,
          provider,
          model: sideBody.model,
          endpoint: endpoint.name,
          latencyMs: elapsed(),
          user: typeof user === 'string' ? user : undefined,
          tries,
          key: sticky.source,
          fallback,
          ...done,
        };
        options.onUsage(usageLine(line));
      };
      if (attempt.kind === 'answered') {
        const ttftMs = attempt.streams ? elapsed() : undefined;
        const carried = carry(attempt, sideBody.usageAdded, redactor, (end) => record({ ...end, ttftMs }));
        return sideAnswer(id, side, fallback, attempt.status, attempt.headers, carried, redactor);
      }
      record({ tokens: undefined, ttftMs: undefined, status: attempt.status ?? attempt.error });
      failures.push(`${provider.name} (${side}): ${attempt.message}`);
      last = attempt;
      if (attempt.reply) reply = { side, reply: attempt.reply };
      if (request.signal.aborted) break;
    }
    return bothFailed(id, preferred, reply, last, failures, redactor);
  }

  return {
    handle,
    breakers: () => ({ legacy: clients.legacy.breaker.state(), target: clients.target.breaker.state() }),
    async close() {
      await Promise.all([clients.legacy.close(), clients.target.close()]);
    },
  };
}

function sideAnswer(
  id: string,
  side: Side,
  fallback: boolean,
  status: number,
  upstream: IncomingHttpHeaders,
  { body, length }: Carried,
  redactor: Redactor,
): RouterAnswer {
  const headers = clientHeaders(upstream);
  for (const [name, value] of Object.entries(headers)) headers[name] = redactor.text(String(value));
  if (length !== undefined) headers['content-length'] = String(length);
  headers['x-cutover-id'] = id;
  headers['x-cutover-source'] = side;
  if (fallback) headers['x-cutover-fallback'] = 'true';
  return { source: side, status, headers, body };
}

/** A side's own words where there were any: they tell a client more than ours would. */
function bothFailed(
  id: string,
  preferred: Side,
  replied: { side: Side; reply: Reply } | undefined,
  last: Failed | undefined,
  failures: readonly string[],
  redactor: Redactor,
): RouterAnswer {
  if (replied) {
    const { side, reply } = replied;
    const body = redactor.bytes(reply.body);
    const carried = { body: oneChunk(body), length: body.length };
    return sideAnswer(id, side, side !== preferred, reply.status, reply.headers, carried, redactor);
  }
  const status = last?.error === 'timeout' ? 504 : 502;
  const answer = errorAnswer(
    status,
    'upstream_error',
    redactor.text(`no provider answered: ${failures.join('; ')}`),
  );
  answer.headers['x-cutover-id'] = id;
  return answer;
}

/** An error in the shape that OpenAI clients read. */
export function errorAnswer(status: number, type: string, message: string): RouterAnswer {
  const body = Buffer.from(JSON.stringify({ error: { message, type, param: null, code: null } }));
  const headers = { 'content-type': 'application/json', 'content-length': String(body.length) };
  return { source: null, status, headers, body: oneChunk(body) };
}

async function* oneChunk(chunk: Buffer): AsyncGenerator<Buffer> {
  if (chunk.length > 0) yield chunk;
}
