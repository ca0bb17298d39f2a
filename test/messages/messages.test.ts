import { expect, it, onTestFinished } from 'vitest';
import { cutover } from '../e2e/cli.ts';
import { seeded } from './dice.ts';
import { ENV, startGround } from './ground.ts';
import { judge } from './judge.ts';

/**
 * Random operations with receivers that fail, kills and resumes: of each operation everybody who wants to know hears
 * each end once, and an incident is over when what it was about is mended.
 *
 * More of it: CUTOVER_MESSAGES=500 npx vitest run test/messages. Another course: CUTOVER_MESSAGES_SEED=7.
 */

const OPERATIONS = Number(process.env.CUTOVER_MESSAGES ?? 30);
const SEED = Number(process.env.CUTOVER_MESSAGES_SEED ?? 20261124);
/** After so many commands everything is made to work, and what was told is judged. */
const STRETCH = 15;

it('everybody hears of every operation once, whatever fails', {
  timeout: 30_000 + OPERATIONS * 10_000,
}, async () => {
  const random = seeded(SEED);
  const ground = await startGround();
  onTestFinished(() => ground.stop());
  const log: string[] = [];
  for (let done = 0; done < OPERATIONS; ) {
    for (let i = 0; i < STRETCH && done < OPERATIONS; i++, done++) log.push(await ground.step(random, done));
    await ground.calm();
    const wrong = judge(ground);
    expect(wrong, [`seed ${SEED}`, ...log, ...wrong].join('\n')).toEqual([]);
  }
  const { accepted, calls } = ground.receiver;
  const tries = [...calls.values()].reduce((sum, n) => sum + n, 0);
  process.stderr.write(
    `messages: ${OPERATIONS} commands, ${ground.kills.size} killed, ${accepted.length} messages taken of ${tries} tries\n`,
  );
  expect(accepted.length).toBeGreaterThan(OPERATIONS / 2);
  // At the end a way forward closes whatever stands.
  await cutover(ground.dir, ['rollback', '--emergency'], { env: ENV });
  await cutover(ground.dir, ['canary', 'start', '--yes', '--force', '--reason', 'end'], { env: ENV });
  expect(accepted.filter(({ path }) => path === '/pager').at(-1)?.body).toMatchObject({
    event_action: 'resolve',
  });
});
