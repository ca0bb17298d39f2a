import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { createSecrets } from '../../../src/config/secrets.ts';
import { createClient, type ProviderClient } from '../../../src/provider/client.ts';

export type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** A real HTTP server on a free loopback port; gone when the test is, unless `atEnd` says otherwise. Returns its base URL. */
export async function serve(
  handler: Handler,
  atEnd: (close: () => Promise<void>) => void = onTestFinished,
): Promise<string> {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => handler(request, response, body));
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  atEnd(
    () =>
      new Promise<void>((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  );
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

/** A URL where nothing listens. */
export async function nobody(): Promise<string> {
  const server = createServer();
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((closed) => server.close(() => closed()));
  return `http://127.0.0.1:${port}/v1`;
}

export const KEY = 'sk-a-very-secret-key';

export async function clientOf(
  url: string,
  timeouts: Partial<{ connect: number; firstByte: number; total: number }> = {},
): Promise<ProviderClient> {
  const client = await createClient(
    {
      name: 'test',
      baseUrl: url,
      apiKey: '${env:KEY}',
      timeouts: { connect: 1000, firstByte: 2000, total: 3000, ...timeouts },
      prices: {},
    },
    'target',
    createSecrets({ KEY }, '/'),
  );
  onTestFinished(() => client.close());
  return client;
}

export const completion = (text = 'pong', more: object = {}) =>
  JSON.stringify({
    id: 'c-1',
    model: 'm-2',
    choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 12, completion_tokens: 3, prompt_tokens_details: { cached_tokens: 8 } },
    ...more,
  });

export const json = (response: ServerResponse, status: number, body: string, headers: object = {}) => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(body);
};

export const event = (delta: object, more: object = {}) =>
  `data: ${JSON.stringify({ id: 's-1', model: 'm-2', choices: [{ index: 0, delta }], ...more })}\n\n`;
