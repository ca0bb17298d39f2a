import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cutover, makeFolder } from '../e2e/cli.ts';
import { type Mood, type MoodyReceiver, startMoodyReceiver } from '../servers/moody-receiver.ts';
import { pick } from './dice.ts';

/**
 * A migration whose flag and DNS break now and then, three receivers of which each has moods of its own, and whoever
 * types commands that are killed now and then.
 */

const SHIM = fileURLToPath(new URL('../crash/shim.mjs', import.meta.url));
export const ENV = { KEY: 'planted-routing-key' };
/** A kill is somewhere among so many effects on files, database, processes and sockets. */
const KILL_POINTS = 160;
export const PATHS = { all: '/all', back: '/back', pager: '/pager' } as const;

const FORCE = ['--yes', '--force', '--reason', 'random', '--confirm', 'chat-prod'];
const COMMANDS: readonly (readonly [number, readonly string[]])[] = [
  [6, ['canary', 'start', ...FORCE.slice(0, 4)]],
  [6, ['shift', '25%', ...FORCE]],
  [4, ['shift', '50%', ...FORCE]],
  [2, ['shift', '5%', ...FORCE]],
  [6, ['shift', '100%', ...FORCE]],
  [6, ['rollback', '--anyway', ...FORCE]],
  [3, ['rollback', '--emergency']],
  [4, ['resume']],
  [1, ['freeze', '--reason', 'random', '--for', '1ms']],
  [2, ['checkpoint', 'create']],
  [2, ['canary', 'check']],
];

export interface Ground {
  dir: string;
  receiver: MoodyReceiver;
  /** Runs one random command under random circumstances; returns what it was, for people. */
  step(random: () => number, during: number): Promise<string>;
  /** Everything works from here on, and what was left is brought to its end. */
  calm(): Promise<void>;
  /** During which steps a command was killed. */
  kills: Set<number>;
  stop(): Promise<void>;
}

export async function startGround(): Promise<Ground> {
  const receiver = await startMoodyReceiver();
  const dir = makeFolder(`
flag: { driver: exec, command: [sh, flag.sh], timeout: 20s, retries: 0 }
hooks:
  dns: [{ driver: exec, command: [sh, -c, 'cat > /dev/null; test ! -e dns-broken'], timeout: 20s, retries: 0 }]
  notify:
    - { driver: webhook, url: "${receiver.url}${PATHS.all}", timeout: 20s, retries: 1 }
    - { driver: webhook, url: "${receiver.url}${PATHS.back}", timeout: 20s, retries: 0, on: [rollback, failed] }
    - { driver: pagerduty, url: "${receiver.url}${PATHS.pager}", routingKey: "\${env:KEY}", timeout: 20s, retries: 0 }
`);
  writeFileSync(join(dir, 'ratio'), '0');
  writeFileSync(
    join(dir, 'flag.sh'),
    `cat > /dev/null
[ $1 = get ] && exec cat ratio
[ -e flag-broken ] && exit 1
echo $CUTOVER_FLAG_RATIO > ratio.$$ && mv ratio.$$ ratio
`,
  );
  const kills = new Set<number>();
  const broken = (what: string, is: boolean) => {
    const file = join(dir, `${what}-broken`);
    if (is) writeFileSync(file, '');
    else rmSync(file, { force: true });
  };
  return {
    dir,
    receiver,
    kills,
    async step(random, during) {
      receiver.during = during;
      const moods = new Map<string, Mood>(
        Object.values(PATHS).map((path) => [
          path,
          pick<Mood>(random, [
            [6, 'takes'],
            [2, 'refuses'],
            [1, 'lost'],
            [1, 'busy'],
          ]),
        ]),
      );
      receiver.mood = (path) => moods.get(path) ?? 'takes';
      broken('dns', random() < 0.25);
      broken('flag', random() < 0.1);
      const command = pick(random, COMMANDS);
      const killAt = random() < 0.25 ? 1 + Math.floor(random() * KILL_POINTS) : 0;
      const ran = await cutover(dir, [...command], {
        env: { ...ENV, CUTOVER_CRASH_AT: String(killAt) },
        ...(killAt > 0 ? { node: ['--import', SHIM] } : {}),
      });
      if (ran.signal === 'SIGKILL') kills.add(during);
      const scene = [...moods].map(([path, mood]) => `${path} ${mood}`).join(', ');
      const off = ['dns', 'flag'].filter((what) => existsSync(join(dir, `${what}-broken`)));
      return `${during}: ${command.join(' ')} → ${ran.signal ?? ran.code} (${scene}${off.length > 0 ? `; broken: ${off}` : ''})${ran.code === 1 ? `\n${ran.stderr}` : ''}`;
    },
    async calm() {
      receiver.during = -1;
      receiver.mood = () => 'takes';
      broken('dns', false);
      broken('flag', false);
      // What was asked to be left alone is left alone for a second.
      await new Promise((resolve) => setTimeout(resolve, 1200));
      for (let tries = 0; tries < 5; tries++) {
        const ran = await cutover(dir, ['resume', '--json'], { env: ENV });
        const { operation, messages } = JSON.parse(ran.stdout) as {
          operation: unknown;
          messages?: { waiting: unknown[] };
        };
        if (operation === null && messages?.waiting.length === 0) return;
      }
      throw new Error(`not calm: ${readFileSync(join(dir, 'ratio'), 'utf8')}`);
    },
    async stop() {
      await receiver.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
