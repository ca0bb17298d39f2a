import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Script } from 'node:vm';
import { afterEach, beforeEach, expect, it } from 'vitest';

interface Load {
  createLoader(dir: string): { load(name: string): { answer(): number }; scripts: Map<string, Script> };
  codePath(dir: string, name: string): string;
}
const { createLoader, codePath }: Load = createRequire(import.meta.url)('../../../bin/load.js');

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cutover-load-'));
  writeFileSync(join(dir, 'main.cjs'), "exports.answer = () => require('./other.cjs').six * 7;\n");
  writeFileSync(join(dir, 'other.cjs'), 'exports.six = 6;\n');
});
afterEach(() => rmSync(dir, { recursive: true }));

const keep = (name: string, code: Buffer) => {
  const path = codePath(dir, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, code);
};
const run = () => {
  const { load, scripts } = createLoader(dir);
  expect(load('main.cjs').answer()).toBe(42);
  expect(load('main.cjs')).toBe(load('main.cjs'));
  return scripts;
};

it('runs modules with and without kept code', () => {
  const scripts = run();
  expect(scripts.get('main.cjs')?.cachedDataRejected).toBeUndefined();
  for (const [name, script] of scripts) keep(name, script.createCachedData());
  expect([...run().values()].map((script) => script.cachedDataRejected)).toEqual([false, false]);
});

it('leaves code aside that is not of the module, or of another V8', () => {
  const code = run().get('main.cjs')?.createCachedData() as Buffer;
  // Other text each time: what V8 has compiled once in this process it takes from there.
  const rejected = (text: string, kept: Buffer) => {
    writeFileSync(join(dir, 'main.cjs'), `exports.answer = () => 42; // ${text}\n`);
    keep('main.cjs', kept);
    return run().get('main.cjs')?.cachedDataRejected;
  };
  expect(rejected('not of the module', code)).toBe(true);
  expect(rejected('no code', Buffer.from('no code'))).toBe(true);
  expect(rejected('another V8', Buffer.concat([Buffer.alloc(8, 1), code.subarray(8)]))).toBe(true);
});
