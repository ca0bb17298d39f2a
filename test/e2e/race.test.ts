import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { cutover, cutoverJson, makeFolder, type StatusDocument } from './cli.ts';

const FORCE = ['--yes', '--force', '--reason', 'race'];

/** Each hook writes when it begins and ends: two operations at once would interleave. */
const HOOKS = `
models: { a: b }
canary: { pairsPerRun: 2 }
hooks:
  notify:
    - driver: exec
      retries: 0
      command: [sh, -c, "cat > /dev/null; echo begin $CUTOVER_OPERATION_ID $CUTOVER_OPERATION_KIND >> log; sleep 0.05; echo end $CUTOVER_OPERATION_ID $CUTOVER_OPERATION_KIND >> log"]
`;

it('two dozen processes at once, two of them going down by rungs, and one emergency: one operation at a time, and 0 % at the end', async () => {
  const dir = makeFolder(HOOKS);
  try {
    await cutoverJson(dir, ['canary', 'start', '--yes']);
    const commands = Array.from({ length: 23 }, (_, i) => {
      if (i % 4 === 0) return ['shift', '25%', '--wait', '20s', ...FORCE];
      if (i % 4 === 1) return ['shift', '50%', '--wait', '20s', ...FORCE];
      if (i % 8 === 2) return ['canary', 'check', '--auto-rollback'];
      if (i % 8 === 6) return ['status', '--json'];
      if (i === 3 || i === 7) return ['rollback', '--yes', '--anyway', '--over', '1s', '--wait', '20s'];
      return ['rollback', '--yes', '--anyway', '--wait', '20s'];
    });
    const running = commands.map((args) => cutover(dir, args));
    await untilSomeAreDone(join(dir, 'log'));
    const emergency = await cutover(dir, ['rollback', '--emergency']);
    expect([0, 4], emergency.stderr).toContain(emergency.code);
    const codes = (await Promise.all(running)).map(({ code, stderr }) => ({ code, stderr }));
    // Done, refused by a gate or a state, fenced, waited in vain, or no provider to probe: nothing else, no crash.
    for (const { code, stderr } of codes) expect([0, 2, 3, 4, 64, 69, 75], stderr).toContain(code);

    const state = await cutoverJson<StatusDocument>(dir, ['status']);
    expect(state).toMatchObject({
      status: 'rollback',
      ratio: 0,
      flag: { ratio: 0 },
      drift: [],
      unfinished: null,
    });
    await cutoverJson(dir, ['history', '--verify']);
    expectOneAtATime(readFileSync(join(dir, 'log'), 'utf8').trim().split('\n'));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}, 120_000);

/** The emergency comes when the crowd is under way, however slow the machine. */
async function untilSomeAreDone(log: string): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (existsSync(log) && readFileSync(log, 'utf8').split('end ').length > 4) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** An emergency takes over from whoever runs; all others exclude one another. */
function expectOneAtATime(lines: string[]): void {
  let running: string | null = null;
  let operations = 0;
  for (const line of lines) {
    const [mark, id, ...kind] = line.split(' ');
    if (kind.join(' ') === 'emergency') continue;
    if (mark === 'begin') {
      expect(running, lines.join('\n')).toBeNull();
      running = id ?? null;
      operations++;
    } else {
      expect(id).toBe(running);
      running = null;
    }
  }
  expect(operations).toBeGreaterThan(1);
}
