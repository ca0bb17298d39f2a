import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How a receiver takes a call. `lost`: it takes the message, and its answer never arrives. */
export type Mood = 'takes' | 'refuses' | 'busy' | 'lost' | 'hangs' | 'unwanted';

/** A message that a receiver has taken. */
export interface Accepted {
  path: string;
  key: string;
  body: Record<string, unknown>;
  answered: boolean;
  /** What was going on, as the test says. */
  during: number;
}

export interface MoodyReceiver {
  url: string;
  accepted: Accepted[];
  /** How many calls there were of each path, taken or not. */
  calls: Map<string, number>;
  /** The mood for the next call of each path; a function is asked for each. */
  mood: (path: string) => Mood;
  during: number;
  /** What it says when it is busy. */
  retryAfter: string;
  stop(): Promise<void>;
}

/** A real HTTP server that takes messages, or does not, and counts what it has taken. */
export async function startMoodyReceiver(): Promise<MoodyReceiver> {
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    request.on('end', () => {
      const path = request.url ?? '';
      const key = String(request.headers['idempotency-key'] ?? '');
      receiver.calls.set(path, (receiver.calls.get(path) ?? 0) + 1);
      const mood = receiver.mood(path);
      if (mood === 'takes' || mood === 'lost') {
        const body = JSON.parse(text) as Record<string, unknown>;
        receiver.accepted.push({ path, key, body, answered: mood === 'takes', during: receiver.during });
      }
      if (mood === 'takes') response.writeHead(202).end('ok');
      if (mood === 'lost') request.socket.destroy();
      if (mood === 'refuses') response.writeHead(503).end('no');
      if (mood === 'unwanted') response.writeHead(400).end('no such thing');
      if (mood === 'busy') response.writeHead(429, { 'retry-after': receiver.retryAfter }).end('later');
    });
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const receiver: MoodyReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    accepted: [],
    calls: new Map(),
    mood: () => 'takes',
    during: 0,
    retryAfter: '1',
    stop: () =>
      new Promise<void>((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
  return receiver;
}
