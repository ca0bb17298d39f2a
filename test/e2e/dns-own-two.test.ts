import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startHttpReceiver } from '../servers/http-receiver.ts';
import { cutover, cutoverJson, makeFolder } from './cli.ts';

/** Two hooks of the user's own that differ only in whom they call: a way back tells each for itself. */

const GO = ['--anyway', '--confirm', 'chat-prod', '--json'];
const BACK = ['rollback', '--to', '1', ...GO];
const EMERGENCY = ['rollback', '--emergency', '--json'];
const NAMES = { exec: 'exec sh tell.sh', webhook: 'webhook http://127.0.0.1:' };

interface Steps {
  steps: { kind: string; outcome: string; code?: string; error?: string }[];
}

/** A complete migration, its two hooks told so. */
async function complete(driver: 'exec' | 'webhook') {
  const dir = makeFolder('');
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const receiver = await startHttpReceiver();
  onTestFinished(() => receiver.stop());
  const refused = new Set<string>();
  const said: Record<string, string> = {};
  receiver.answer(({ path, body }) => {
    if (refused.has(path.slice(1))) return { status: 500 };
    said[path.slice(1)] = (JSON.parse(body) as { provider: string }).provider;
    return { status: 200 };
  });
  writeFileSync(
    join(dir, 'tell.sh'),
    `[ -e refuse.$1 ] && exit 1\necho $CUTOVER_PROVIDER > "$1.new" && mv "$1.new" "$1"\n`,
  );
  const plain = readFileSync(join(dir, 'cutover.yaml'), 'utf8');
  const hook = (place: string) =>
    driver === 'exec'
      ? { driver, command: ['sh', 'tell.sh', place], retries: 0 }
      : { driver, url: `${receiver.url}/${place}`, retries: 0 };
  const set = (...places: string[]) =>
    writeFileSync(join(dir, 'cutover.yaml'), `${plain}hooks: ${JSON.stringify({ dns: places.map(hook) })}\n`);
  const saidIn = (place: string) =>
    driver === 'exec' ? readFileSync(join(dir, place), 'utf8').trim() : said[place];
  set('eu', 'us');
  await cutoverJson(dir, ['canary', 'start', '--yes']);
  await cutoverJson(dir, ['shift', '100%', '--force', '--reason', 'test', '--confirm', 'chat-prod']);
  expect([saidIn('eu'), saidIn('us')]).toEqual(['target', 'target']);
  return {
    dir,
    set,
    said: () => [saidIn('eu'), saidIn('us')],
    refuse: (place: string, refuses = true) => {
      const file = join(dir, `refuse.${place}`);
      if (refuses) {
        refused.add(place);
        writeFileSync(file, '');
      } else {
        refused.delete(place);
        rmSync(file);
      }
    },
  };
}

describe.each(['exec', 'webhook'] as const)('two %s hooks', (driver) => {
  it.each([
    ['a rollback', BACK],
    ['an emergency', EMERGENCY],
  ])('of which one has left the config: %s misses it by name', async (_name, way) => {
    const { dir, set, said } = await complete(driver);
    set('eu');
    const ran = await cutover(dir, way);
    const { steps } = JSON.parse(ran.stdout) as Steps;
    const gone = steps.filter(({ code }) => code === 'DRIVER_GONE');
    expect([ran.code, gone, said()]).toEqual([4, [expect.anything()], ['legacy', 'target']]);
    expect(gone[0]?.error).toContain(NAMES[driver]);
    expect(gone[0]?.error).toContain('us');
    expect((await cutover(dir, ['status', '--check'])).code).not.toBe(0);
    set('us');
    expect((await cutover(dir, ['resume'])).code).toBe(0);
    expect(said()).toEqual(['legacy', 'legacy']);
  });

  it('that have changed places since a rollback failed at the first: resume tells that one', async () => {
    const { dir, set, said, refuse } = await complete(driver);
    refuse('eu');
    expect((await cutover(dir, BACK)).code).toBe(4);
    refuse('eu', false);
    set('us', 'eu');
    expect((await cutover(dir, ['resume'])).code).toBe(0);
    expect(said()).toEqual(['legacy', 'legacy']);
  });

  it('of which one has left the config since a rollback failed at it: it is missed by name', async () => {
    const { dir, set, said, refuse } = await complete(driver);
    refuse('us');
    expect((await cutover(dir, BACK)).code).toBe(4);
    set('eu');
    expect((await cutover(dir, ['resume'])).code).toBe(4);
    expect(said()).toEqual(['legacy', 'target']);
    expect((await cutover(dir, ['dns', 'apply', '--keep', '--yes'])).code).toBe(0);
    expect((await cutover(dir, ['status', '--check'])).code).toBe(0);
  });
});

it('a hook whose URL is a reference is another one when that leads elsewhere', async () => {
  const [one, two] = [await startHttpReceiver(), await startHttpReceiver()];
  const dir = makeFolder('hooks: { dns: [{ driver: webhook, url: "${env:DNS_HOOK}", retries: 0 }] }\n');
  onTestFinished(async () => {
    await Promise.all([one.stop(), two.stop()]);
    rmSync(dir, { recursive: true, force: true });
  });
  const to = (url: string) => ({ env: { DNS_HOOK: url } });
  await cutover(dir, ['canary', 'start', '--yes'], to(one.url));
  const forth = ['shift', '100%', '--force', '--reason', 'test', '--confirm', 'chat-prod'];
  expect((await cutover(dir, forth, to(one.url))).code).toBe(0);
  const back = await cutover(dir, BACK, to(two.url));
  expect([back.code, back.stdout]).toEqual([4, expect.stringContaining('DRIVER_GONE')]);
  expect((await cutover(dir, ['resume'], to(`${one.url}/?token=new`))).code).toBe(0);
  const providers = one.received.map(({ body }) => (JSON.parse(body) as { provider: string }).provider);
  expect(providers).toEqual(['target', 'legacy']);
});
