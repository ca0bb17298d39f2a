import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Backstage, startBackstage } from '../histories/backstage.ts';
import { type Installation, install } from '../histories/installation.ts';
import { canPlay, lookForMeans } from '../histories/means.ts';
import { type Base, basesOf } from './bases.ts';
import { type Ground, prepareGround } from './ground.ts';
import { tryMutant, type Verdict } from './judge.ts';
import { listedMutants, type Mutant, mutantOf } from './mutant.ts';

/**
 * Whatever the start reads from disk is damaged, replaced or planted; then the real emergency runs. It sets the flag
 * that the last good config names, or it ends with another code than 0 and does not say "safe".
 *
 * Many: CUTOVER_FUZZ=5000. One again, with what it said: CUTOVER_FUZZ_ONLY=NAME, as a failure names it.
 */

const COUNT = Number(process.env.CUTOVER_FUZZ ?? 20);
/** A run of this many tries every listed mutant of every base. */
const MANY = 2000;
const FIRST = Number(process.env.CUTOVER_FUZZ_SEED ?? 1);
const ONLY = process.env.CUTOVER_FUZZ_ONLY;
const AT_ONCE = Number(process.env.CUTOVER_FUZZ_AT_ONCE ?? 2);
/** Of so many mutants one is looked at by `status`. */
const LOOK_AT = 8;

interface Case {
  name: string;
  mutant: Mutant;
  look: boolean;
}

const installations: Installation[] = [];
let backstage: Backstage;
let users = false;

beforeAll(async () => {
  users = lookForMeans().users;
  backstage = await startBackstage();
}, 60_000);

afterAll(async () => {
  await backstage.stop();
  for (const each of installations) each.remove();
}, 60_000);

it.skipIf(!canPlay)(
  'whatever is on the disk, no emergency says safe wrongly',
  async () => {
    const tally = { tried: 0, safe: 0, refused: 0, looked: 0, slowest: 0 };
    const failures: string[] = [];
    const take = ({ name, mutant }: Case, base: Base, verdict: Verdict) => {
      tally.tried++;
      if (verdict.wrong.length === 0) tally[verdict.outcome]++;
      tally.slowest = Math.max(tally.slowest, verdict.ms);
      const title = `${name} (${base.name}; ${mutant.target}: ${mutant.what}; as ${mutant.user})`;
      failures.push(...verdict.wrong.map((what) => `${title} ${what}`));
      if (ONLY !== undefined) process.stdout.write(`\n${title}: ${verdict.outcome}\n${verdict.said}\n`);
    };
    const bases = basesOf(backstage);
    const share = Math.ceil(COUNT / bases.length);
    const queue = bases.entries();
    const worker = async () => {
      for (const [index, base] of queue) {
        const cases = casesOf(bases, index);
        if (ONLY !== undefined && cases.next().done) continue;
        const ground = await groundOf(base);
        let left = share;
        for (const each of casesOf(bases, index)) {
          if (left <= 0) break;
          const verdict = await tryMutant(ground, each.mutant, each.look);
          if (!verdict) continue;
          take(each, base, verdict);
          left--;
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    process.stdout.write(
      `${tally.tried} mutants: ${tally.safe} said safe rightly, ${tally.refused} refused, ${tally.looked} only looked at, ` +
        `${failures.length} wrong; slowest ${Math.round(tally.slowest)} ms\n`,
    );
    expect(failures).toEqual([]);
    if (ONLY === undefined) expect(Math.min(tally.safe, tally.refused)).toBeGreaterThan(COUNT / 20);
  },
  COUNT * 1500 + 300_000,
);

/**
 * What every run tries first, then the other listed mutants, all of them or a part, then as many as seeds make; or
 * the one that is asked for.
 */
function* casesOf(bases: readonly Base[], index: number): Generator<Case> {
  const base = bases[index] as Base;
  const listed = listedMutants(base, users).map((mutant, n) => ({
    name: `${index}:listed:${n}`,
    mutant,
    look: false,
  }));
  const drawn = (seed: number) => ({
    name: `${index}:seed:${seed}`,
    mutant: mutantOf(seed * 16 + index, base, users),
    look: seed % LOOK_AT === 0,
  });
  if (ONLY !== undefined) {
    const [, which, seed] = /^(\d+):seed:(\d+)$/.exec(ONLY) ?? [];
    if (which === `${index}`) yield drawn(Number(seed));
    yield* listed.filter(({ name }) => name === ONLY);
    return;
  }
  yield* listed.filter(({ mutant }) => mutant.always);
  // Which part of the list it is differs from base to base, so that all of them together see much of it.
  const part = COUNT >= MANY ? 1 : Math.floor((listed.length * bases.length) / COUNT);
  const from = Math.floor((index * part) / bases.length);
  yield* listed.filter(({ mutant }, n) => !mutant.always && n % part === from);
  for (let seed = FIRST; ; seed++) yield drawn(seed);
}

async function groundOf(base: Base): Promise<Ground> {
  const installation = install('fuzz');
  installations.push(installation);
  return prepareGround(base, installation, users);
}
