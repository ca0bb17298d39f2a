import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface Reply {
  status: number;
  body?: string;
  /** Never answers. */
  hang?: boolean;
}

export interface HttpReceiver {
  url: string;
  received: Received[];
  /** How the next calls are answered; 200 `ok` until it is set. */
  answer(reply: Reply | ((call: Received) => Reply)): void;
  stop(): Promise<void>;
}

/**
 * A real HTTP server on a free loopback port that keeps what it is sent. It stands in for the receivers that nobody
 * can run at home: Slack, Teams, Discord, PagerDuty.
 */
export async function startHttpReceiver(): Promise<HttpReceiver> {
  const received: Received[] = [];
  let reply: Reply | ((call: Received) => Reply) = { status: 200, body: 'ok' };
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      const call = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body };
      received.push(call);
      const { status, body: text = '', hang } = typeof reply === 'function' ? reply(call) : reply;
      if (!hang) response.writeHead(status).end(text);
    });
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    answer: (next) => {
      reply = next;
    },
    stop: () =>
      new Promise<void>((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}
