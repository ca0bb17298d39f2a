import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type CanarySession, registerCanary } from '../../../src/cli/canary.ts';
import type { Context } from '../../../src/cli/context.ts';
import { createDoor } from '../../../src/output/door.ts';
import type { Handler } from '../provider/servers.ts';
import { nobody } from '../provider/servers.ts';
import { failing, STAGE, world } from './world.ts';

/** The command line of one canary: call it with arguments, get what a shell would see. */
async function shell(sides: { legacy?: Handler | string; target?: Handler | string }, canary: object = {}) {
  const input = await world(sides, canary);
  const dir = mkdtempSync(join(tmpdir(), 'cutover-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const rollbacks: string[] = [];
  const behaviour = {
    rollback: 'done' as 'done' | 'partial' | Error,
    stage: STAGE as typeof STAGE | null,
    tty: false,
  };
  const session: CanarySession = {
    config: input.config,
    dir,
    secrets: input.secrets,
    db: input.db,
    actor: input.actor,
    async ask() {},
    unanswered: async () => null,
    stage: () => behaviour.stage,
    async rollback(reason) {
      rollbacks.push(reason);
      if (behaviour.rollback instanceof Error) throw behaviour.rollback;
      return { outcome: behaviour.rollback, text: 'rolled back: 10 % → 0 %', operation: { id: 'op-9' } };
    },
    close() {},
  };
  const cli = async (...argv: string[]) => {
    const out: string[] = [];
    const err: string[] = [];
    let exit = 0;
    const ctx: Context = {
      cwd: dir,
      env: {},
      stdin: process.stdin,
      signal: new AbortController().signal,
      toItsEnd: (work) => work(),
      now: () => new Date(),
      ...createDoor({
        env: {},
        stdout: (text) => void out.push(text),
        stderr: (text) => void err.push(text),
        live: behaviour.tty,
      }),
      terminal: { stdout: behaviour.tty, stderr: behaviour.tty, stdin: false, columns: 60 },
      exit: (code) => {
        exit = code;
      },
    };
    const program = new Command('cutover').option('--json').option('--no-color').exitOverride();
    const open = async () => session;
    registerCanary(program, ctx, open, open);
    await program.parseAsync(['canary', ...argv], { from: 'user' });
    return { out: out.join('').trimEnd(), err: err.join('').trimEnd(), exit };
  };
  return { cli, rollbacks, behaviour, dir, config: input.config };
}

describe('canary check', () => {
  it('exits 3 while inconclusive and 0 on PASS, with one document on stdout', async () => {
    const { cli } = await shell({});
    const first = await cli('check', '--json');
    expect(first.exit).toBe(3);
    expect(JSON.parse(first.out)).toMatchObject({ schemaVersion: 1, verdict: 'INCONCLUSIVE', pairs: 20 });
    const last = await cli('check', '--json', '--pairs', '80');
    expect(last.exit).toBe(0);
    expect(JSON.parse(last.out)).toMatchObject({ verdict: 'PASS', pairs: 100 });
    expect((await cli('status')).out).toMatch(
      /^PASS {2}canary of chat-prod at 10 %, 100 pairs since 2026-08-20 10:00Z/,
    );
  });

  it('exits 2 on FAIL and shows a table that fits 80 columns', async () => {
    const guardrails = {
      errors: { margin: '0.5pp' },
      latencyP50: { margin: '10%' },
      cost: { margin: '10%' },
    };
    const { cli } = await shell({ target: failing }, { guardrails });
    await cli('check');
    const { out, exit } = await cli('check');
    expect(exit).toBe(2);
    expect(out).toContain('errors: target is worse than its margin allows');
    expect(out).toMatch(/errors +0 % +100 % +\+100 pp \[\+\d+\.\d, \+100\] +0\.5 pp +100\/0 % {2}FAIL/);
    expect(out).toContain('target: 20 × server_error in this run (HTTP 500: out of order)');
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect(out).not.toContain('\u001b');
  });

  it('exits 69 when neither side can be reached', async () => {
    const { cli } = await shell({ legacy: await nobody(), target: await nobody() });
    expect(await cli('check')).toMatchObject({ exit: 69, out: expect.stringMatching(/^ERROR /) });
  });

  it('exits 3 without a stage and says what to do', async () => {
    const { cli, behaviour } = await shell({});
    behaviour.stage = null;
    const { out, exit } = await cli('check');
    expect(exit).toBe(3);
    expect(out).toBe(
      'INCONCLUSIVE  canary of chat-prod\n  no canary is running; `cutover status` says what comes next',
    );
  });

  it('counts a run id once', async () => {
    const { cli } = await shell({});
    await cli('check', '--run-id', 'cron-1');
    expect(JSON.parse((await cli('check', '--run-id', 'cron-1', '--json')).out).pairs).toBe(20);
  });

  it('reads the probes that the config names, and refuses bad ones', async () => {
    const { cli, dir, config } = await shell({});
    config.canary.probes = 'mine.jsonl';
    writeFileSync(join(dir, 'mine.jsonl'), '{"prompt":"x"}\n{"prompt":3}\n');
    await expect(cli('check')).rejects.toMatchObject({
      exitCode: 65,
      message: 'mine.jsonl:2: prompt must be text',
    });
    await expect(cli('check', '--pairs', '0')).rejects.toMatchObject({ exitCode: 64 });
  });
});

describe('--auto-rollback', () => {
  it('rolls back on FAIL, once, with the reason, and keeps exit 2', async () => {
    const { cli, rollbacks } = await shell({ target: failing });
    expect((await cli('check', '--auto-rollback')).exit).toBe(3);
    const { out, exit } = await cli('check', '--auto-rollback', '--json');
    expect(exit).toBe(2);
    expect(rollbacks).toEqual(['canary FAIL: errors: target is worse than its margin allows']);
    expect(JSON.parse(out)).toMatchObject({
      verdict: 'FAIL',
      rollback: { outcome: 'done', operation: { id: 'op-9' } },
    });
  });

  it('says when the rollback was not whole, or did not happen', async () => {
    const { cli, behaviour } = await shell({ target: failing });
    await cli('check');
    behaviour.rollback = 'partial';
    const { out, exit } = await cli('check', '--auto-rollback');
    expect(exit).toBe(4);
    expect(out).toContain('rolled back: 10 % → 0 %');
    behaviour.rollback = new Error('lease held');
    await expect(cli('check', '--auto-rollback')).rejects.toThrow('lease held');
  });

  it('does nothing without FAIL', async () => {
    const { cli, rollbacks } = await shell({ legacy: failing, target: failing });
    for (let i = 0; i < 3; i++) await cli('check', '--auto-rollback');
    expect(rollbacks).toEqual([]);
  });
});

describe('canary run', () => {
  it('runs until PASS and tells of each run on stderr', async () => {
    const { cli } = await shell({});
    const { out, err, exit } = await cli('run', '--duration', '1m', '--interval', '1ms');
    expect(exit).toBe(0);
    expect(out).toMatch(/^PASS /);
    const lines = err.split('\n');
    expect(lines).toHaveLength(5);
    expect(lines[0]).toMatch(/^INCONCLUSIVE 20 pairs · errors \d+ % to PASS · (\d\ds|1m) left$/);
    expect(lines[4]).toMatch(/^PASS 100 pairs · errors PASS/);
  });

  it('in a terminal writes one line anew, no wider than the terminal', async () => {
    const { cli, behaviour } = await shell({ target: failing });
    behaviour.tty = true;
    const { err } = await cli('run', '--interval', '1ms', '--no-color');
    const [, first, second] = err.split('\r\u001b[K');
    expect(first).toMatch(/^INCONCLUSIVE/);
    expect(second).toMatch(/^FAIL/);
    expect(first?.length).toBeLessThan(60);
  });

  it('ends INCONCLUSIVE when the time is over', async () => {
    const { cli } = await shell({}, { guardrails: { errors: { margin: '0.5pp' } } });
    const { out, exit } = await cli('run', '--duration', '100ms', '--interval', '40ms', '--json');
    expect(exit).toBe(3);
    expect(JSON.parse(out)).toMatchObject({
      command: 'canary run',
      verdict: 'INCONCLUSIVE',
      reasons: ['budget', 'too_few_pairs'],
    });
    await expect(cli('run', '--duration', 'soon')).rejects.toMatchObject({ exitCode: 64 });
  });
});
