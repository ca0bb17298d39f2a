import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Passes every call on to `target`; once the first GET was answered, and before its caller has the answer, `then` runs. */
export async function startHttpProxy(
  target: string,
  then: () => Promise<void>,
): Promise<{ url: string; stop(): Promise<void> }> {
  let pending = true;
  const server = createServer((incoming, outgoing) => {
    const { method, headers, url } = incoming;
    const onward = request(new URL(url ?? '/', target), { method, headers }, async (answer) => {
      const body: Buffer[] = [];
      for await (const chunk of answer) body.push(chunk as Buffer);
      if (method === 'GET' && pending) {
        pending = false;
        await then();
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
