import type { IncomingMessage } from 'node:http';

/**
 * Reads the body of a request.
 * @param limit bytes
 * @param within milliseconds
 * @throws the system's error when the client breaks off.
 */
export async function readBody(
  request: IncomingMessage,
  limit: number,
  within: number,
): Promise<Buffer | 'too large' | 'too slow'> {
  if (Number(request.headers['content-length'] ?? 0) > limit) return 'too large';
  const reading = request.iterator({ destroyOnReturn: false });
  let late: NodeJS.Timeout | undefined;
  const tooSlow = new Promise<'too slow'>((resolve) => {
    late = setTimeout(() => resolve('too slow'), within);
  });
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for (;;) {
      const next = await Promise.race([reading.next(), tooSlow]);
      if (next === 'too slow') return next;
      if (next.done) return Buffer.concat(chunks);
      size += next.value.length;
      if (size > limit) return 'too large';
      chunks.push(next.value);
    }
  } finally {
    clearTimeout(late);
  }
}
