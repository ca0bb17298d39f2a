import { CutoverError, EXIT, messageOf } from '../errors.ts';

/** How much of an answer is read at most, in bytes. */
const MAX_ANSWER = 1_000_000;

export interface HttpCall {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: string;
  headers?: Record<string, string>;
  body?: string;
  signal: AbortSignal;
}

/**
 * One HTTP call. Returns status and text of a 2xx answer. Redirects are not followed: a hook's address is what
 * the config says, and a body with the migration's data goes nowhere else.
 * @throws CutoverError HOOK_FAILED (69) otherwise; the message holds the origin only, as paths and queries of
 *   webhooks are secrets.
 */
export async function callHttp(call: HttpCall): Promise<{ status: number; text: string }> {
  const origin = originOf(call.url);
  const fail = (what: string, cause?: unknown) =>
    new CutoverError('HOOK_FAILED', EXIT.unreachable, `${origin}: ${what}`, { cause });
  // The default export: named ones of a CommonJS package do not survive bundling behind a dynamic import.
  const { default: undici } = await import('undici');
  let status: number;
  let text: string;
  try {
    const response = await undici.request(call.url, {
      method: call.method,
      headers: { 'user-agent': 'cutover', ...call.headers },
      body: call.body ?? null,
      signal: call.signal,
    });
    status = response.statusCode;
    text = await readAnswer(response.body);
  } catch (error) {
    throw fail(connectionFault(error), error);
  }
  if (status < 200 || status > 299) {
    const said = text.trim().slice(0, 300).replace(/\s+/g, ' ');
    throw fail(`HTTP ${status}${said ? `: ${said}` : ''}`);
  }
  return { status, text };
}

function originOf(url: string): string {
  try {
    return new URL(url).origin;
  } catch (cause) {
    throw new CutoverError('HOOK_FAILED', EXIT.config, 'the address of a hook is not a URL', { cause });
  }
}

async function readAnswer(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAX_ANSWER) break;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** undici wraps the socket's own error, sometimes one for each address tried. */
function connectionFault(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const text = messageOf(error);
  return text === '' ? code || 'no connection' : text;
}
