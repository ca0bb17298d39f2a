import { expect, it } from 'vitest';
import { calledAt, calledBy } from '../../../src/hooks/called.ts';

const DIGEST = / #[0-9a-f]{8}$/;

it.each([
  'https://dns-gateway.internal.example.com:8443/eu/records',
  '${env:DNS_HOOK}',
  'https://${env:HOST}/a@b',
])('a URL of which nothing may be a secret is shown whole: %s', (url) => {
  expect(calledAt(url)).toBe(`webhook ${url}`);
});

it.each([
  ['https://ops:hunter2@example.com/eu', 'webhook https://example.com/eu'],
  ['https://example.com/eu?code=1234', 'webhook https://example.com/eu'],
  ['https://example.com/eu#1234', 'webhook https://example.com/eu'],
  ['https://example.com/services/T024F/abcdefghijklmnop1234', 'webhook https://example.com'],
])('of others what may be one is a digest: %s', (url, shown) => {
  expect(calledAt(url).replace(DIGEST, '')).toBe(shown);
  expect(calledAt(url)).toMatch(DIGEST);
});

it('a reference is shown as it is, and is somebody else when it leads to another host or path, not to another secret', () => {
  const to = (resolved: string) => calledAt('${env:HOOK}', resolved);
  expect(to('https://a.example/eu')).toMatch(/^webhook \$\{env:HOOK\} #[0-9a-f]{8}$/);
  expect(to('https://me:new@a.example/eu?token=new')).toBe(to('https://me:old@a.example/eu?token=old'));
  expect(to('https://b.example/eu')).not.toBe(to('https://a.example/eu'));
});

it('a command is shown with short plain arguments, and others are a digest', () => {
  expect(calledBy(['./route.sh', 'eu', '-v'])).toBe('exec ./route.sh eu -v');
  for (const more of [['--token=abc'], ['a b'], [''], ['x'.repeat(17)]])
    expect(calledBy(['./route.sh', ...more])).toMatch(/^exec \.\/route\.sh #[0-9a-f]{8}$/);
});

it('two that differ are never called the same', () => {
  const urls = ['', '?r=1', '?r=2', '#1', '/eu', '/us'].map((end) => calledAt(`https://example.com${end}`));
  const commands = [['sh'], ['sh', ''], ['sh', 'a b'], ['sh', 'a', 'b'], ['sh', 'a'], ['sh a']].map(calledBy);
  for (const names of [urls, commands]) expect(new Set(names).size).toBe(names.length);
});
