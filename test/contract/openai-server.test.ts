import { LLMock } from '@copilotkit/aimock';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSecrets } from '../../src/config/secrets.ts';
import { createClient, type ProviderClient } from '../../src/provider/client.ts';

/** The client against an OpenAI-compatible server that is not ours. */
describe('the client and a foreign server', () => {
  const server = new LLMock({ host: '127.0.0.1', port: 0 });
  let client: ProviderClient;

  beforeAll(async () => {
    server.onMessage('ping', { content: 'pong' });
    server.onMessage('long', { content: 'The quick brown fox jumps over the lazy dog.' });
    server.onEmbedding('word', { embedding: [0.25, -0.5, 1] });
    const url = await server.start();
    client = await createClient(
      {
        name: 'aimock',
        baseUrl: `${url}/v1`,
        apiKey: '${env:KEY}',
        timeouts: { connect: 2000, firstByte: 5000, total: 5000 },
        prices: {},
      },
      'legacy',
      createSecrets({ KEY: 'sk-test' }, '/'),
    );
  });

  afterAll(async () => {
    await client.close();
    await server.stop();
  });

  it('is healthy', async () => {
    expect(await client.health('gpt-4o-mini')).toMatchObject({ ok: true, text: 'pong' });
  });

  it('completes plainly and as a stream with the same text', async () => {
    const request = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'long' }] };
    const plain = await client.chat(request);
    const streamed = await client.stream(request);
    expect(plain).toMatchObject({ ok: true, text: 'The quick brown fox jumps over the lazy dog.' });
    expect(streamed).toMatchObject({ ok: true, text: 'The quick brown fox jumps over the lazy dog.' });
    expect((streamed as { ttftMs?: number }).ttftMs).toBeGreaterThan(0);
  });

  it('embeds', async () => {
    expect(await client.embeddings('text-embedding-3-small', ['word'])).toMatchObject({
      ok: true,
      vectors: [[0.25, -0.5, 1]],
    });
  });

  it('lists models', async () => {
    expect(await client.models()).toMatchObject({ ok: true });
  });

  it('reports what the server does not know as not found', async () => {
    const result = await client.chat({ model: 'm', messages: [{ role: 'user', content: 'unheard of' }] });
    expect(result).toMatchObject({ ok: false, errorClass: 'not_found', status: 404 });
  });
});
