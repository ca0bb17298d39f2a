import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { startCloudflareStandIn } from '../servers/cloudflare-stand-in.ts';
import { installed } from '../servers/require.ts';
import { BIN, cutoverJson, makeFolder } from './cli.ts';

/** What stands above the question of a person in a terminal. */

const TERMINAL = { name: 'a terminal to type in (script)', commands: ['script'] };

/** Runs the command in a terminal, and types `answer` once it asks. */
function inTerminal(cwd: string, args: string, answer: string, env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const command = `'${process.execPath}' '${BIN}' ${args}`;
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      cwd,
      env: { PATH: process.env.PATH, HOME: cwd, USER: 'tester', TERM: 'xterm', ...env },
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
    let said = '';
    let asked = false;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (asked || !stripVTControlCharacters(said).includes('?')) return;
      asked = true;
      child.stdin.write(answer);
    });
    child.on('error', reject);
    child.on('close', () => {
      clearTimeout(timer);
      resolve(stripVTControlCharacters(said).replace(/\s+/g, ' '));
    });
  });
}

it.skipIf(!installed(TERMINAL))(
  'a question shows records, old and new, with TTLs',
  async () => {
    const records = await startCloudflareStandIn();
    onTestFinished(records.stop);
    const name = 'llm.example.test.';
    await records.put(name, 'A', 300, ['192.0.2.1']);
    const record = { name, type: 'A', ttl: 30, legacy: '192.0.2.1', target: '192.0.2.9' };
    const dir = makeFolder(`hooks: ${JSON.stringify({ dns: [records.entry([record])] })}\n`);
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    const env = { CF_TOKEN: records.env.CF_TOKEN ?? '' };
    await cutoverJson(dir, ['canary', 'start', '--yes'], env);
    const said = await inTerminal(dir, 'shift 100% --force --reason test', 'not this one\r', env);
    expect(said).toContain(`${name} A 192.0.2.1 (TTL 300 s) → 192.0.2.9 (TTL 30 s)`);
    expect(said).toContain('nothing was changed');
    expect(await records.look(name, 'A')).toEqual(['192.0.2.1']);
  },
  120_000,
);
