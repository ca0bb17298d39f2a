import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HttpProxyOptions {
  /** Runs once: when a GET of the driver's that reads records was answered, and before it has the answer. */
  afterRead?(): Promise<void>;
  /** The paths of such GETs. */
  reads?: RegExp;
  /** Calls of these paths get 403. */
  refuses?: RegExp;
}

/** Passes calls on to `target`. */
export async function startHttpProxy(
  target: string,
  { afterRead, reads = /^/, refuses }: HttpProxyOptions,
): Promise<{ url: string; stop(): Promise<void> }> {
  let pending = afterRead;
  const server = createServer((incoming, outgoing) => {
    const { method, headers, url } = incoming;
    if (refuses?.test(url ?? '')) return void outgoing.writeHead(403).end('not allowed');
    const onward = request(new URL(url ?? '/', target), { method, headers }, async (answer) => {
      const body: Buffer[] = [];
      for await (const chunk of answer) body.push(chunk as Buffer);
      if (method === 'GET' && reads.test(url ?? '')) {
        const then = pending;
        pending = undefined;
        await then?.();
      }
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers).end(Buffer.concat(body));
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise<void>((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}
