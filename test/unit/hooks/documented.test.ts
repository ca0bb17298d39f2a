import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { dnsHook, notifyHook } from '../../../src/config/hooks-schema.ts';
import { hookVariables } from '../../../src/hooks/exec.ts';
import { NOTIFY_ON } from '../../../src/hooks/notify/on.ts';
import { hookEvent } from '../../servers/hooks.ts';

/** docs/hooks.md names what there is: drivers, their keys, what `on` takes, variables, codes. No more and no less. */

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const DOCS = readFileSync(join(ROOT, 'docs/hooks.md'), 'utf8');

/** The rows of the table whose head begins so, as their cells. */
function table(head: string): string[][] {
  const from = DOCS.indexOf(`\n${head}`);
  if (from < 0) throw new Error(`no table ${head}`);
  const [, , , ...lines] = DOCS.slice(from).split('\n');
  const end = lines.findIndex((line) => !line.startsWith('|'));
  return lines.slice(0, end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const quoted = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text);

/** What every driver of a kind takes besides. */
const COMMON = ['driver', 'timeout', 'retries', 'records', 'lowerTtl', 'verify', 'on'];

describe('docs/hooks.md names', () => {
  it.each([
    ['dns', dnsHook, '| driver | keys | all or nothing'],
    ['notify', notifyHook, '| driver | keys | the same event twice'],
  ])('the %s drivers and the keys of each', (_kind, union, head) => {
    const rows = new Map(table(head).map(([driver = '', keys = '']) => [quoted(driver)[0], quoted(keys)]));
    const { options } = union.def;
    expect([...rows.keys()].sort()).toEqual(options.map(({ shape }) => shape.driver.def.values[0]).sort());
    for (const { shape } of options) {
      const keys = Object.keys(shape).filter((key) => !COMMON.includes(key));
      // Defaults and what a key may say stand beside it.
      const [driver] = shape.driver.def.values;
      expect(rows.get(driver), driver).toEqual(expect.arrayContaining(keys));
    }
  });

  it('what `on` takes', () => {
    const rows = table('| `on` | |').map(([name = '']) => quoted(name)[0]);
    expect(rows.sort()).toEqual([...NOTIFY_ON].sort());
  });

  it('the variables of a command', () => {
    const rows = table('| variable | |').flatMap(([names = '']) => quoted(names));
    const notifyOnly = ['CUTOVER_MESSAGE', 'CUTOVER_LEVEL', 'CUTOVER_UNDO'];
    const given = Object.keys(hookVariables(hookEvent({ test: true })));
    expect(rows.sort()).toEqual([...given, ...notifyOnly].sort());
  });

  it('the codes of what can go wrong with DNS', () => {
    const rows = table('| code | |').flatMap(([codes = '']) => quoted(codes));
    const files = ['hooks', 'operation'].flatMap((room) =>
      readdirSync(join(ROOT, 'src', room), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts'))
        .map((name) => readFileSync(join(ROOT, 'src', room, name), 'utf8')),
    );
    const code = /'(DNS_[A-Z_]+|DRIVER_GONE|KEY_FILE|NSUPDATE_MISSING)'/g;
    const thrown = new Set(files.flatMap((text) => [...text.matchAll(code)].map(([, name]) => name)));
    expect(rows.sort()).toEqual([...thrown].sort());
  });
});
