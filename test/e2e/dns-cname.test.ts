import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { BIND, type BindBench, KEYS, startBind } from '../servers/bind.ts';
import { installed } from '../servers/require.ts';
import { cutover, cutoverJson, makeFolder } from './cli.ts';

const FORCE = ['--yes', '--force', '--reason', 'test', '--confirm', 'chat-prod'];

interface Done {
  steps: { kind: string; outcome: string; attempts: number; code?: string; hint?: string }[];
}

describe.skipIf(!installed(BIND))('a name that is to become a CNAME and has a text beside it', () => {
  let bench: BindBench;
  beforeAll(async () => {
    bench = await startBind();
    await bench.put('llm.example.test.', 'A', 60, ['192.0.2.1']);
    await bench.put('llm.example.test.', 'TXT', 60, ['"theirs"']);
  });
  afterAll(async () => {
    await bench?.stop();
  });

  const folder = () => {
    const name = 'llm.example.test.';
    const records = [
      { name, type: 'A', ttl: 60, legacy: '192.0.2.1', target: [] },
      { name, type: 'CNAME', ttl: 60, legacy: [], target: 'target.example.net.' },
    ];
    const dir = makeFolder(`hooks: ${JSON.stringify({ dns: [bench.entry(records)] })}\n`);
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    copyFileSync(join(bench.dir, KEYS.right), join(dir, KEYS.right));
    return dir;
  };
  const WARNING = 'llm.example.test. cannot become a CNAME: it has TXT, too';

  it('is told of by `hooks test` and by a dry run, and fails once', async () => {
    const dir = folder();
    const test = await cutoverJson<{ hooks: { outcome: string; notes?: string[] }[] }>(dir, [
      ...['hooks', 'test'],
    ]);
    expect(test.hooks).toMatchObject([{ outcome: 'ok', notes: [WARNING] }]);
    expect((await cutover(dir, ['hooks', 'test'], { env: { COLUMNS: '200' } })).stdout).toContain(WARNING);
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    const dry = await cutoverJson<{ plan: { notes?: string[] } }>(dir, [
      ...['shift', '100%', ...FORCE, '--dry-run'],
    ]);
    expect(dry.plan.notes).toContain(WARNING);
    const ran = await cutover(dir, ['shift', '100%', ...FORCE, '--json']);
    expect(ran.code).toBe(4);
    expect((JSON.parse(ran.stdout) as Done).steps.find(({ kind }) => kind === 'dns')).toMatchObject({
      ...{ outcome: 'failed', attempts: 1, code: 'DNS_NOT_ALONE' },
      hint: expect.stringContaining('remove those first'),
    });
    expect(await bench.look('llm.example.test.', 'A')).toEqual(['192.0.2.1']);
  });
});
