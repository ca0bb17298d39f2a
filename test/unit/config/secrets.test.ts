import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createSecrets } from '../../../src/config/secrets.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cutover-secrets-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const resolved = (path: string) => createSecrets({}, dir).resolve(`\${file:${path}}`, 'flag.url');

it('is what a file holds, also behind a link as Kubernetes makes them', () => {
  writeFileSync(join(dir, 'v1'), 'hunter2hunter2\n');
  symlinkSync('v1', join(dir, 'token'));
  expect(resolved('token')).toBe('hunter2hunter2');
});

it.each([
  ['a FIFO', (path: string) => execFileSync('mkfifo', [path])],
  ['a device without end', (path: string) => symlinkSync('/dev/zero', path)],
  ['a folder', (path: string) => execFileSync('mkdir', [path])],
  ['a file as large as no key is', (path: string) => writeFileSync(path, Buffer.alloc(2_000_000, 'k'))],
])('%s is none, and nobody waits for it', (_name, make) => {
  make(join(dir, 'token'));
  expect(() => resolved('token')).toThrow(/flag\.url: the file token cannot be read/);
});
