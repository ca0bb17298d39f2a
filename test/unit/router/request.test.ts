import { describe, expect, it } from 'vitest';
import { clientHeaders, createUpstream } from '../../../src/router/headers.ts';
import { stickyKey } from '../../../src/router/key.ts';
import { bodyFor, ENDPOINTS, parseBody, type RequestBody } from '../../../src/router/request.ts';

const endpoint = (name: string) => {
  const found = ENDPOINTS.find((each) => each.name === name);
  if (!found) throw new Error(name);
  return found;
};
const parsed = (text: string): RequestBody => {
  const body = parseBody(Buffer.from(text));
  if (typeof body === 'string') throw new Error(body);
  return body;
};
const MODELS = { 'deepseek-chat': 'deepseek-v3.2', '*': 'other' };

describe('bodyFor', () => {
  it('leaves a plain request to legacy as it came', () => {
    const text = '{"model" : "deepseek-chat","seed":12345678901234567890}';
    const sent = bodyFor('legacy', parsed(text), endpoint('chat'), MODELS);
    expect(sent).toEqual({ bytes: Buffer.from(text), model: 'deepseek-chat', usageAdded: false });
  });

  it('renames the model for target and nothing else', () => {
    const sent = bodyFor(
      'target',
      parsed('{"model" : "deepseek-chat","seed":12345678901234567890}'),
      endpoint('chat'),
      MODELS,
    );
    expect(String(sent.bytes)).toBe('{"model" : "deepseek-v3.2","seed":12345678901234567890}');
    expect(sent.model).toBe('deepseek-v3.2');
    expect(bodyFor('target', parsed('{"model":"x"}'), endpoint('chat'), MODELS).model).toBe('other');
    expect(bodyFor('target', parsed('{"model":"x"}'), endpoint('chat'), {}).model).toBe('x');
    expect(bodyFor('target', parsed('{"model":"constructor"}'), endpoint('chat'), {}).model).toBe(
      'constructor',
    );
  });

  it.each([
    [
      '{"model":"m","stream":true}',
      '{"model":"m","stream":true,"stream_options":{"include_usage":true}}',
      true,
    ],
    [
      '{"stream":true,"stream_options":null}',
      '{"stream":true,"stream_options":{"include_usage":true}}',
      true,
    ],
    [
      '{"stream":true,"stream_options":{"include_usage":false,"x":1}}',
      '{"stream":true,"stream_options":{"include_usage":true,"x":1}}',
      true,
    ],
    ['{"stream":true,"stream_options":{"include_usage":true}}', undefined, false],
    ['{"stream":false}', undefined, false],
  ])('asks a stream for its usage: %s', (before, after, added) => {
    const sent = bodyFor('legacy', parsed(before), endpoint('chat'), {});
    expect(String(sent.bytes)).toBe(after ?? before);
    expect(sent.usageAdded).toBe(added);
  });

  it('does not ask where the API has no such option', () => {
    expect(bodyFor('legacy', parsed('{"stream":true}'), endpoint('responses'), {}).usageAdded).toBe(false);
  });

  it('says why a body is refused', () => {
    expect(parseBody(Buffer.from([0x22, 0xff, 0x22]))).toMatch(/UTF-8/);
    expect(parseBody(Buffer.from('{'))).toMatch(/not JSON/);
    expect(parseBody(Buffer.from('[1]'))).toMatch(/object/);
  });
});

describe('stickyKey', () => {
  const key = (headers: Record<string, string>, json: Record<string, unknown> | null, by = 'user') =>
    stickyKey(headers, json, by, () => 'dice');

  it('takes the header, then the field, then a random key', () => {
    expect(key({ 'x-cutover-key': 'k' }, { user: 'u' })).toEqual({ key: 'k', source: 'header' });
    expect(key({}, { user: 'u' })).toEqual({ key: 'u', source: 'body' });
    expect(key({}, { user: 7 })).toEqual({ key: '7', source: 'body' });
    for (const json of [{ user: '' }, { user: {} }, {}, null]) {
      expect(key({ authorization: 'Bearer x' }, json)).toEqual({ key: 'dice', source: 'random' });
    }
  });

  it('follows a path of fields', () => {
    expect(key({}, { metadata: { tenant: 't' } }, 'metadata.tenant')).toEqual({ key: 't', source: 'body' });
    expect(key({}, { metadata: 'x' }, 'metadata.length').source).toBe('random');
  });

  it('uses Authorization only when asked, and only its hash', () => {
    const sticky = key({ authorization: 'Bearer secret' }, { user: 'u' }, 'authorization');
    expect(sticky.source).toBe('authorization');
    expect(sticky.key).toMatch(/^[0-9a-f]{64}$/);
    expect(key({ authorization: 'Bearer x' }, { random: 'u' }, 'random').source).toBe('random');
  });
});

describe('headers', () => {
  const { headers, query } = createUpstream({
    headers: ['x-team', 'x-trace-*', 'content-*'],
    query: ['a b'],
  });

  it('go upstream only when they are listed, with the key of the side', () => {
    const sent = headers(
      {
        authorization: 'Bearer client',
        'x-api-key': 'c',
        'content-length': '3',
        'accept-encoding': 'gzip',
        'x-cutover-key': 'k',
        'content-type': 'application/json',
        'x-trace-id': 't',
        'x-team': 'a',
        'x-teams': 'b',
      },
      'side-key',
    );
    expect(sent).toEqual({
      authorization: 'Bearer side-key',
      'accept-encoding': 'identity',
      'content-type': 'application/json',
      'x-trace-id': 't',
      'x-team': 'a',
    });
    expect(headers({ authorization: 'Bearer client' }, undefined)).not.toHaveProperty('authorization');
  });

  it.each([
    ['', ''],
    ['?', ''],
    ['?key=c&KEY=c&%6bey=c', ''],
    ['?limit=5&key=c&after=x%26y', '?limit=5&after=x%26y'],
    ['?a%20b=1&%zz=2&limit', '?a%20b=1&limit'],
    ['?limit=1?key=c', '?limit=1?key=c'],
  ])('the query %j becomes %j', (before, after) => expect(query(before)).toBe(after));

  it('come back without what is about the account or the connection', () => {
    expect(
      clientHeaders({
        'x-request-id': 'r',
        'retry-after': '3',
        'x-ratelimit-limit-tokens': '9',
        'set-cookie': ['a=b'],
        connection: 'keep-alive',
        'openai-organization': 'acme',
        server: 's',
      }),
    ).toEqual({ 'x-request-id': 'r', 'retry-after': '3', 'x-ratelimit-limit-tokens': '9' });
  });
});
