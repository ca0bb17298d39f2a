import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** One HTTP server for all worlds of a run: each has its parts below a path of its own. */
export interface Backstage {
  url: string;
  /** Answers what comes below `path`. */
  add(path: string, handler: Handler): void;
  remove(path: string): void;
  stop(): Promise<void>;
}

export async function startBackstage(): Promise<Backstage> {
  const handlers = new Map<string, Handler>();
  const server = createServer(async (request, response) => {
    response.on('error', () => {});
    const handler = [...handlers].find(([path]) => request.url?.startsWith(path))?.[1];
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      if (handler) handler(request, response, Buffer.concat(chunks).toString());
      else response.writeHead(404).end();
    } catch (error) {
      // The client has gone, killed perhaps: there is nobody to answer.
      void error;
    }
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    add: (path, handler) => handlers.set(path, handler),
    remove: (path) => handlers.delete(path),
    stop: () =>
      new Promise((stopped) => {
        server.close(() => stopped());
        server.closeAllConnections();
      }),
  };
}

export type Mood = 'well' | 'fails' | 'hangs';

/** A provider of one world: counts what it is asked, and does as its mood is. */
export interface StandIn {
  url: string;
  mood: Mood;
  /** Called at each request for a completion that somebody still waits for. */
  onAsked: () => void;
}

export function addProvider(backstage: Backstage, path: string): StandIn {
  const provider: StandIn = { url: `${backstage.url}${path}v1`, mood: 'well', onAsked: () => {} };
  backstage.add(path, async (request, response, body) => {
    if (await isGone(request)) return;
    provider.onAsked();
    if (provider.mood === 'hangs') return;
    const json = (status: number, value: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (provider.mood === 'fails') return json(500, { error: { message: 'no', type: 'server_error' } });
    const { model = 'm' } = body === '' ? {} : (JSON.parse(body) as { model?: string });
    json(200, {
      id: 'c',
      object: 'chat.completion',
      created: 1,
      model,
      choices: [{ index: 0, message: { role: 'assistant', content: 'pong' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
    });
  });
  return provider;
}

/**
 * Whether whoever asked has left already. This process also has histories to drive: on a busy machine a connection may
 * wait for seconds to be taken, and what it brings may have been cut long before.
 */
async function isGone({ socket }: IncomingMessage): Promise<boolean> {
  // What was sent first is read first; that nothing more comes is seen a turn later.
  for (let turns = 0; turns < 3; turns++) await turn();
  return socket.destroyed || socket.readableEnded;
}
