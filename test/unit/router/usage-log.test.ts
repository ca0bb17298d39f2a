import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createUsageLog } from '../../../src/router/usage-log.ts';

describe('usage log', () => {
  let dir: string;
  let path: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'cutover-log-'));
    path = join(dir, 'usage.jsonl');
  });
  afterEach(() => rmSync(dir, { recursive: true }));
  const ids = (file = path) =>
    readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).id);
  const notes: string[] = [];
  const onNote = (text: string) => notes.push(text);

  it('has every line, in order, after a clean stop', async () => {
    const log = createUsageLog({ path, onNote, delayMs: 1 });
    for (let i = 0; i < 3000; i++) {
      log.write({ id: i });
      if (i % 500 === 0) await sleep(2);
    }
    expect(await log.close()).toBe(0);
    expect(ids()).toEqual(Array.from({ length: 3000 }, (_, i) => i));
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('begins a new line after one that a crash cut short', async () => {
    writeFileSync(path, '{"id":0}\n{"id":');
    const log = createUsageLog({ path, onNote });
    log.write({ id: 1 });
    await log.close();
    expect(readFileSync(path, 'utf8')).toBe('{"id":0}\n{"id":\n{"id":1}\n');
  });

  it('follows a rotation', async () => {
    const log = createUsageLog({ path, onNote, delayMs: 1 });
    log.write({ id: 1 });
    await vi.waitFor(() => expect(ids()).toEqual([1]));
    renameSync(path, `${path}.1`);
    log.write({ id: 2 });
    await log.close();
    expect([ids(`${path}.1`), ids()]).toEqual([[1], [2]]);
  });

  it('holds lines while the file cannot be written, and says so once', async () => {
    notes.length = 0;
    const folder = join(dir, 'later');
    const late = join(folder, 'usage.jsonl');
    const log = createUsageLog({ path: late, onNote, delayMs: 1 });
    log.write({ id: 1 });
    await vi.waitFor(() => expect(notes).toHaveLength(1));
    log.write({ id: 2 });
    await sleep(30);
    expect(notes).toHaveLength(1);
    mkdirSync(folder);
    expect(await log.close()).toBe(0);
    expect(ids(late)).toEqual([1, 2]);
    expect(notes[1]).toMatch(/writing again/);
  });

  it('bounds what it holds and counts what it lost', async () => {
    const log = createUsageLog({ path: join(dir, 'no', 'x'), onNote, delayMs: 1, maxHeld: 30 });
    for (let i = 0; i < 10; i++) log.write({ id: i });
    expect(await log.close()).toBe(10);
  });
});
