import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Backstage, startBackstage } from '../histories/backstage.ts';
import { type Installation, install } from '../histories/installation.ts';
import { lookForMeans } from '../histories/means.ts';
import { type Base, basesOf } from './bases.ts';
import { type Ground, LONGEST_MS, prepareGround } from './ground.ts';
import { tryMutant, type Verdict } from './judge.ts';
import { listedMutants, type Mutant, mutantOf } from './mutant.ts';

/**
 * Whatever the start reads from disk is damaged, replaced or planted; then the real emergency runs. It sets the flag
 * that the last good config names, or it ends with another code than 0 and does not say "safe".
 *
 * Many: CUTOVER_FUZZ=5000. One again, with what it said: CUTOVER_FUZZ_ONLY=NAME, as a failure names it.
 */

const COUNT = Number(process.env.CUTOVER_FUZZ ?? 90);
/** A run of this many tries every listed mutant too. */
const MANY = 1000;
const ONLY = process.env.CUTOVER_FUZZ_ONLY;
const FIRST = Number(process.env.CUTOVER_FUZZ_SEED ?? 1);
const AT_ONCE = Number(process.env.CUTOVER_FUZZ_AT_ONCE ?? 2);
/** Of so many mutants one is looked at by `status`. */
const LOOK_AT = 8;

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

interface Case {
  name: string;
  mutant: Mutant;
  look: boolean;
}

function casesOf(base: Base, index: number, bases: number): Case[] {
  const listed = listedMutants(base, users).map((mutant, n) => ({
    name: `${index}:listed:${n}`,
    mutant,
    look: false,
  }));
  const share = Math.ceil(COUNT / bases);
  const chosen = COUNT >= MANY ? listed : everyNth(listed, Math.ceil(share / 2), FIRST);
  const seeds = Array.from({ length: Math.max(0, share - chosen.length) }, (_, n) => FIRST + n);
  const drawn = seeds.map((seed) => ({
    name: `${index}:seed:${seed}`,
    mutant: mutantOf(seed, base, users),
    look: seed % LOOK_AT === 0,
  }));
  if (ONLY === undefined) return [...chosen, ...drawn];
  const seed = Number(/^\d+:seed:(\d+)$/.exec(ONLY)?.[1]);
  const named = {
    name: `${index}:seed:${seed}`,
    mutant: mutantOf(seed, base, users),
    look: seed % LOOK_AT === 0,
  };
  return [...listed, named].filter(({ name }) => name === ONLY);
}

/** A part of a list that is spread over all of it. */
function everyNth<T>(list: T[], count: number, offset: number): T[] {
  const step = Math.max(1, Math.floor(list.length / count));
  return list.filter((_, index) => index % step === offset % step).slice(0, count);
}

it(
  `${COUNT} mutants of what is read from disk: none makes an emergency say safe wrongly`,
  async () => {
    const counts = { safe: 0, refused: 0, looked: 0, nothing: 0, slowest: 0 };
    const failures: string[] = [];
    const take = ({ name, mutant }: Case, base: Base, verdict: Verdict | null) => {
      if (!verdict) {
        counts.nothing++;
        return;
      }
      counts[verdict.outcome]++;
      counts.slowest = Math.max(counts.slowest, verdict.ms);
      const title = `${name} (${base.name}; ${mutant.target}: ${mutant.what}; as ${mutant.user})`;
      failures.push(...verdict.wrong.map((what) => `${title} ${what}`));
      if (ONLY !== undefined) process.stdout.write(`\n${title}: ${verdict.outcome}\n${verdict.said}\n`);
    };
    const bases = basesOf(backstage);
    const queue = bases.entries();
    const worker = async () => {
      for (const [index, base] of queue) {
        const cases = casesOf(base, index, bases.length);
        if (cases.length === 0) continue;
        const ground = await groundOf(base);
        for (const each of cases) take(each, base, await tryMutant(ground, each.mutant, each.look));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    const tried = counts.safe + counts.refused + counts.looked;
    process.stdout.write(
      `${tried} mutants: ${counts.safe} rightly or wrongly called safe, ${counts.refused} refused, ` +
        `${counts.looked} only looked at, ${failures.length} wrong; ${counts.nothing} more changed nothing; ` +
        `slowest ${Math.round(counts.slowest)} ms\n`,
    );
    expect(failures).toEqual([]);
    if (ONLY === undefined) expect(Math.min(counts.safe, counts.refused)).toBeGreaterThan(COUNT / 20);
  },
  COUNT * 1500 + LONGEST_MS * 30,
);

async function groundOf(base: Base): Promise<Ground> {
  const installation = install('fuzz');
  installations.push(installation);
  return prepareGround(base, installation, users);
}
