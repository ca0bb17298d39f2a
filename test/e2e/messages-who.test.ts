import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { MoodyReceiver } from '../servers/moody-receiver.ts';
import { startSmtp } from '../servers/smtp.ts';
import { failing, healthy } from '../unit/canary/world.ts';
import { serve } from '../unit/provider/servers.ts';
import { cutover, cutoverJson } from './cli.ts';
import { COMPLETE, DNS, FORCE, folder, gist, hookAt, receiver, told } from './told.ts';

/** Who is told: in an emergency, by what a hook asks for, of a FAIL, by mail. */

// Each starts several commands, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000 });

describe('an emergency', () => {
  it('is told beside DNS that hangs, and once more when DNS has ended', async () => {
    const to = await receiver();
    const dir = folder(
      hookAt(to.url),
      `  dns: [{ driver: exec, command: [sh, -c, 'cat > /dev/null; until [ -e go ]; do sleep 0.1; done'], timeout: 30s, retries: 0 }]\n`,
    );
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    const ran = cutover(dir, ['rollback', '--emergency']);
    await expect.poll(() => told(to).length, { timeout: 20_000 }).toBe(2);
    expect(told(to)[1]).toMatchObject({ operation: { kind: 'emergency' }, running: true });
    writeFileSync(join(dir, 'go'), '');
    expect((await ran).code).toBe(0);
    expect(told(to)).toHaveLength(3);
    expect(told(to)[2]).toMatchObject({ outcome: 'done', to: { ratio: 0 } });
    expect(told(to)[2]?.running).toBeUndefined();
  });

  it('does not wait behind what could not be sent before it', async () => {
    const to = await receiver();
    const dir = folder(hookAt(to.url));
    to.mood = () => 'refuses';
    await cutover(dir, ['canary', 'start', '--yes']);
    to.mood = () => 'takes';
    await cutoverJson(dir, ['rollback', '--emergency']);
    expect(told(to).map(gist)).toEqual(['emergency done', 'canary start done']);
    expect(told(to).at(-1)).toMatchObject({ late: true });
  });

  it('tells without the database, and what it could not tell is told by the next command', async () => {
    const to = await receiver();
    const dir = folder(
      `${hookAt(to.url)}    - { driver: webhook, url: "${to.url}/other", retries: 0 }\n`,
      DNS,
    );
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    const database = join(dir, '.cutover', 'state.db');
    const whole = readFileSync(database);
    await cutover(dir, ['status']);
    for (const end of ['-wal', '-shm']) rmSync(database + end, { force: true });
    writeFileSync(database, 'not a database');
    to.mood = (path) => (path === '/other' ? 'refuses' : 'takes');
    const ran = await cutover(dir, ['rollback', '--emergency', '--json']);
    expect(JSON.parse(ran.stdout)).toMatchObject({ sideFile: expect.any(String) });
    expect(told(to).map(gist)).toEqual(['canary start done', 'emergency …', 'emergency done']);
    writeFileSync(database, whole);
    to.mood = () => 'takes';
    await cutover(dir, ['checkpoint', 'create']);
    expect(told(to).map(gist)).toEqual(['canary start done', 'emergency …', 'emergency done']);
    expect(told(to, '/other').map(gist)).toEqual(['canary start done', 'emergency done']);
    expect(told(to, '/other').at(-1)?.untold).toEqual([expect.stringContaining('DNS is still being moved')]);
  });
});

describe('who is told', () => {
  it('only of what a hook asks for, and of the end of what it was told', async () => {
    const to = await receiver();
    const dir = folder(
      `    - { driver: webhook, url: "${to.url}/back", on: [rollback] }
    - { driver: webhook, url: "${to.url}/freeze", on: [freeze] }
    - { driver: webhook, url: "${to.url}/hook" }\n`,
    );
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    await cutoverJson(dir, ['freeze', '--reason', 'x']);
    await cutoverJson(dir, ['unfreeze']);
    await cutoverJson(dir, ['rollback', '--yes', '--anyway']);
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    await cutoverJson(dir, ['shift', '25%', ...FORCE]);
    expect(told(to, '/back').map(gist)).toEqual(['rollback done', 'canary start done']);
    expect(told(to, '/freeze').map(gist)).toEqual(['freeze …', 'unfreeze …']);
    expect(told(to)).toHaveLength(4);
  });

  it('with the head of the history in each message', async () => {
    const to = await receiver();
    const dir = folder(hookAt(to.url));
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    await cutoverJson(dir, ['shift', '25%', ...FORCE]);
    const [first, second] = told(to).map(({ history }) => history);
    expect(first?.head).toMatch(/^[0-9a-f]{64}$/);
    expect(second?.entries).toBeGreaterThan(first?.entries ?? 0);
  });

  it('by where a hook leads, not by where it stands in the config', async () => {
    const [a, b] = [await receiver(), await receiver()];
    const dir = folder(hookAt(a.url) + hookAt(b.url));
    a.mood = () => 'refuses';
    await cutover(dir, ['canary', 'start', '--yes']);
    a.mood = () => 'takes';
    const config = readFileSync(join(dir, 'cutover.yaml'), 'utf8');
    writeFileSync(
      join(dir, 'cutover.yaml'),
      config.slice(0, config.indexOf('    - ')) + hookAt(b.url) + hookAt(a.url),
    );
    await cutover(dir, ['checkpoint', 'create']);
    expect([told(a).length, told(b).length]).toEqual([1, 1]);
  });
});

/** A canary of a target that fails, looked at until it has. */
async function failedCanary(to: MoodyReceiver, args: string[] = []): Promise<string> {
  const dir = folder(
    `    - { driver: webhook, url: "${to.url}/fail", on: [fail] }
    - { driver: webhook, url: "${to.url}/hook" }\n`,
  );
  const config = readFileSync(join(dir, 'cutover.yaml'), 'utf8')
    .replace('deepseek, baseUrl: http://127.0.0.1:9/v1', `deepseek, baseUrl: "${await serve(healthy)}"`)
    .replace('holysheep, baseUrl: http://127.0.0.1:9/v1', `holysheep, baseUrl: "${await serve(failing)}"`);
  const canary = 'canary: { guardrails: { errors: { margin: 5pp } }, concurrency: 8 }\n';
  writeFileSync(join(dir, 'cutover.yaml'), `models: { old-model: new-model }\n${canary}${config}`);
  await cutoverJson(dir, ['canary', 'start', '--yes']);
  for (let looks = 0; looks < 5; looks++) {
    if ((await cutover(dir, ['canary', 'check', ...args])).code === 2) return dir;
  }
  throw new Error('the canary does not fail');
}

describe('a FAIL', () => {
  it('is told once to those who ask for it, however often it is found, when nothing was rolled back', async () => {
    const to = await receiver();
    const dir = await failedCanary(to);
    await cutover(dir, ['canary', 'check']);
    expect(told(to, '/fail').map(gist)).toEqual(['canary FAIL …']);
    await cutoverJson(dir, ['rollback', '--yes', '--anyway']);
    expect(told(to, '/fail').map(gist)).toEqual(['canary FAIL …', 'rollback done']);
    expect(told(to).map(gist)).toEqual(['canary start done', 'rollback done']);
  });

  it('with a rollback is told by the rollback alone', async () => {
    const to = await receiver();
    await failedCanary(to, ['--auto-rollback']);
    expect(told(to, '/fail')).toEqual([]);
    expect(told(to).map(gist)).toEqual(['canary start done', 'rollback done']);
  });
});

describe('what nobody takes for a day', () => {
  it('is given up, in the history, and holds up nothing any more', async () => {
    const to = await receiver();
    const dir = folder(hookAt(to.url));
    to.mood = () => 'refuses';
    await cutover(dir, ['canary', 'start', '--yes']);
    const db = new Database(join(dir, '.cutover', 'state.db'));
    db.prepare('UPDATE messages SET at = at - 25 * 3600 * 1000').run();
    db.close();
    to.mood = () => 'takes';
    await cutoverJson(dir, ['shift', '25%', ...FORCE]);
    expect(told(to).map(gist)).toEqual(['shift done']);
    await cutover(dir, ['checkpoint', 'create']);
    const { entries } = await cutoverJson<{ entries: { event: string; detail: object }[] }>(dir, ['history']);
    expect(entries.filter(({ event }) => event === 'message given up')).toMatchObject([
      { detail: { label: 'notify[0] webhook', error: expect.stringContaining('HTTP 503') } },
    ]);
    expect(await cutoverJson(dir, ['resume'])).toMatchObject({ messages: { waiting: [] } });
  });
});

describe('what waits by a clock that was wrong', () => {
  it.each([
    ['a day ahead when it was tried', 'tried_at = tried_at + 86400000, not_before = tried_at + 87300000'],
    ['a day behind when it was written, of which nothing was tried yet', 'at = at - 90000000, attempts = 0'],
  ])('%s: is sent by the next command', async (_name, change) => {
    const to = await receiver();
    const dir = folder(hookAt(to.url));
    to.mood = () => 'refuses';
    await cutover(dir, ['canary', 'start', '--yes']);
    const db = new Database(join(dir, '.cutover', 'state.db'));
    db.exec(`UPDATE messages SET ${change}`);
    db.close();
    to.mood = () => 'takes';
    await cutover(dir, ['checkpoint', 'create']);
    expect(told(to).map(gist)).toEqual(['canary start done']);
  });
});

describe('mail', () => {
  it('comes once to each who is accepted, however often the others are tried', async () => {
    const smtp = await startSmtp();
    onTestFinished(() => smtp.stop());
    const entry = JSON.stringify(
      smtp.entry({ to: ['a@example.com', 'nobody@example.org', 'b@example.com'] }),
    );
    const dir = folder(`    - ${entry}\n`);
    const env = smtp.env as Record<string, string>;
    expect((await cutover(dir, ['canary', 'start', '--yes'], { env })).code).toBe(4);
    expect((await cutover(dir, ['resume'], { env })).code).toBe(4);
    expect(smtp.mails).toHaveLength(2);
  });
});

describe('who is no longer in the config', () => {
  /** What the config tells is said anew. */
  function tell(dir: string, notify: string): void {
    const config = readFileSync(join(dir, 'cutover.yaml'), 'utf8');
    writeFileSync(join(dir, 'cutover.yaml'), config.slice(0, config.indexOf('  notify:\n')) + notify);
  }

  it.each([
    ['one of several', ['a@example.com', 'nobody@example.org'], ['a@example.com', 'b@example.com'], 1],
    ['the only one', ['nobody@example.org'], ['a@example.com'], 1],
  ])(
    'and had not been told is given up by name, and `resume` finishes: %s',
    async (_name, was, is, mails) => {
      const smtp = await startSmtp();
      onTestFinished(() => smtp.stop());
      const mailTo = (to: string[]) => `    - ${JSON.stringify(smtp.entry({ to, retries: 0 }))}\n`;
      const dir = folder(mailTo(was));
      const env = smtp.env as Record<string, string>;
      // An operation that another has followed, and one that is not finished.
      expect((await cutover(dir, ['canary', 'start', '--yes'], { env })).code).toBe(4);
      expect((await cutover(dir, ['shift', '25%', ...FORCE], { env })).code).toBe(4);
      const before = smtp.mails.length;
      tell(dir, `  notify:\n${mailTo(is)}`);
      const dry = await cutover(dir, ['resume', '--dry-run', '--json'], { env });
      // As in the run, who is gone is given up, and is no step that is left; who has come in the place is told.
      const { plan } = JSON.parse(dry.stdout) as { plan: { steps: unknown[] } };
      expect(plan.steps).toHaveLength(was.length > 1 ? 0 : mails);
      expect(dry.stderr.match(/would be given up: the config names it no more/g)).toHaveLength(2);
      expect(await cutoverJson(dir, ['status'], env)).toMatchObject({ untold: [{}, {}] });
      const ran = await cutover(dir, ['resume'], { env });
      expect(ran.code, ran.stdout + ran.stderr).toBe(0);
      expect(ran.stderr).toContain('given up');
      expect(await cutoverJson(dir, ['status'], env)).toMatchObject({
        ...{ unfinished: null, untold: [], lastOperation: { outcome: 'done' } },
      });
      const { entries } = await cutoverJson<{ entries: { event: string; detail: { label: string } }[] }>(
        ...[dir, ['history', '--event', 'given up'] as string[], env],
      );
      const label = was.length > 1 ? 'notify[0] email nobody@example.org' : 'notify[0] email';
      const why = 'the config names it no more';
      expect(entries.map(({ detail }) => detail)).toMatchObject([
        { label, why },
        { label, why },
      ]);
      expect(await cutoverJson(dir, ['resume'], env)).toMatchObject({
        ...{ operation: null, messages: { sent: 0, waiting: [] } },
      });
      expect(smtp.mails.length - before).toBe(was.length > 1 ? 0 : mails);
    },
  );

  it('by its place alone is told by `resume` at its new one', async () => {
    const to = await receiver();
    const [gone, kept] = [hookAt(to.url).replace('/hook', '/gone'), hookAt(to.url)];
    const dir = folder(gone + kept);
    to.mood = () => 'refuses';
    expect((await cutover(dir, ['canary', 'start', '--yes'])).code).toBe(4);
    to.mood = () => 'takes';
    tell(dir, `  notify:\n${kept}`);
    await cutoverJson(dir, ['resume']);
    expect(told(to).map(gist)).toEqual(['canary start done']);
    expect(told(to, '/gone')).toEqual([]);
    expect(await cutoverJson(dir, ['status'])).toMatchObject({ unfinished: null, untold: [] });
  });

  it('is given up as well where more than messages is left to do, which is done first', async () => {
    const to = await receiver();
    const dir = folder(hookAt(to.url), DNS);
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    writeFileSync(join(dir, 'broken'), '');
    to.mood = () => 'refuses';
    expect((await cutover(dir, COMPLETE)).code).toBe(4);
    tell(dir, '');
    expect((await cutover(dir, ['resume'])).code).toBe(4);
    const dry = await cutoverJson<{ plan: { steps: object[] } }>(dir, ['resume', '--dry-run']);
    expect(dry.plan.steps).toMatchObject([{ kind: 'dns' }]);
    rmSync(join(dir, 'broken'));
    await cutoverJson(dir, ['resume']);
    expect(await cutoverJson(dir, ['status'])).toMatchObject({ unfinished: null, untold: [] });
  });
});
