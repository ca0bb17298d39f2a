import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cutover } from './cutover.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'cutover-start-'));
  writeFileSync(join(dir, 'large.jsonl'), '');
  // Large enough for threads, which start before the command line is parsed.
  truncateSync(join(dir, 'large.jsonl'), 32 * 1024 * 1024);
});
afterAll(() => rmSync(dir, { recursive: true }));

describe('threads that are started ahead', () => {
  it.each([
    ['a wrong flag', ['--wrong'], 64],
    ['a faulty value', ['--max-bad', 'x'], 64],
    ['a config that is not there', ['--config', 'none.yaml'], 78],
    ['a file that is not there', ['none.jsonl'], 65],
    ['a word that can be no file', ['x'.repeat(5000)], 65],
    ['a file under a file', ['large.jsonl/x.jsonl'], 65],
    ['help', ['--help'], 0],
  ])('do not keep the command after %s', async (_what, words, code) => {
    expect((await cutover(['assess', 'large.jsonl', ...words], { cwd: dir })).code).toBe(code);
  });
});
