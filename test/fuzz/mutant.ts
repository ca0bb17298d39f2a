import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { NOBODY } from '../histories/means.ts';
import type { Base } from './bases.ts';
import { Dice } from './dice.ts';
import { isRegular, KINDS, type KindMutator } from './kinds.ts';
import { BYTES, JOURNAL, JSON_TEXT, LINES, type TextMutator, YAML } from './texts.ts';

export type Target =
  | 'config'
  | 'snapshot'
  | 'database'
  | 'flag file'
  | 'secret'
  | 'side journal'
  | 'planted journal'
  | 'kept code';

/** One thing that is wrong in a world. */
export interface Mutant {
  target: Target;
  /** What is done to it, for people. */
  what: string;
  /** Who runs the command. */
  user: 'root' | 'nobody';
  /** It is tried in every run, in this base at least. */
  always: boolean;
  /** Puts it into the world; false when there is nothing to put it into, or it changes nothing. */
  apply(places: Places): boolean;
}

/** Where the files of a world are. */
export interface Places {
  world: string;
  /** The built modules. */
  dist: string;
  /** A side journal in the state folder, and the place of one that had to be elsewhere. */
  journal: { path: string; elsewhere: string; text: string };
}

const JSON_FILE: Record<string, TextMutator> = { ...BYTES, ...LINES, ...JSON_TEXT };
const TEXTS: Record<Target, Record<string, TextMutator>> = {
  config: { ...BYTES, ...LINES, ...YAML },
  snapshot: JSON_FILE,
  database: BYTES,
  'flag file': JSON_FILE,
  secret: BYTES,
  'side journal': { ...JSON_FILE, ...JOURNAL },
  'planted journal': { ...JSON_FILE, ...JOURNAL },
  'kept code': BYTES,
};

/** What has done harm once, and two that are refused; with the base that it is tried in by every run, be it small. */
const ALWAYS = new Map([
  ['config: only the migration', 'flag by a command'],
  ['config: flagg for flag', 'flag in lines, state elsewhere, hooks'],
  ['config: a star for the models', 'flag in one line'],
  ['config: an alias of nothing', 'flag in one line'],
  ['snapshot: another path', 'flag by default'],
  ['planted journal: as it is', 'flag by a webhook'],
  ['planted journal: a FIFO', 'flag by a command'],
  ['snapshot: a folder', 'flag by default'],
  ['secret: a FIFO', 'flag by a webhook'],
]);

/** The mutant of a base that a seed makes. */
export function mutantOf(seed: number, base: Base, users: boolean): Mutant {
  const dice = new Dice(seed);
  const target = dice.one(targetsOf(base, users));
  const byKind = target !== 'kept code' && dice.below(5) === 0;
  const what = dice.one(Object.keys(byKind ? KINDS : TEXTS[target]));
  const asNobody = users && target !== 'kept code' && target !== 'planted journal' && dice.below(5) === 0;
  return make(base, { target, what, byKind, user: asNobody ? 'nobody' : 'root' }, dice);
}

/** Every change of the config and of its snapshot, and every kind of file for every file: none is left to chance. */
export function listedMutants(base: Base, users: boolean): Mutant[] {
  const dice = new Dice(1);
  const texts = (
    ['config', 'snapshot', 'side journal', ...(users ? (['planted journal'] as const) : [])] as const
  ).flatMap((target) =>
    Object.keys(TEXTS[target]).map((what) => ({ target, what, byKind: false, user: 'root' as const })),
  );
  const kinds = [...new Set(targetsOf(base, users))]
    .filter((target) => target !== 'kept code')
    .flatMap((target) =>
      Object.keys(KINDS).map((what) => ({
        target,
        what,
        byKind: true,
        user: users && target !== 'planted journal' ? ('nobody' as const) : ('root' as const),
      })),
    );
  return [...texts, ...kinds].map((each) => make(base, each, dice));
}

function targetsOf({ flagFile, secret }: Base, users: boolean): Target[] {
  return [
    ...Array.from({ length: 8 }, () => 'config' as const),
    'snapshot',
    'snapshot',
    'snapshot',
    'database',
    'side journal',
    'kept code',
    ...(users ? (['planted journal'] as const) : []),
    ...(flagFile ? (['flag file', 'flag file'] as const) : []),
    ...(secret ? (['secret', 'secret'] as const) : []),
  ];
}

function make(
  base: Base,
  { target, what, byKind, user }: { target: Target; what: string; byKind: boolean; user: Mutant['user'] },
  dice: Dice,
): Mutant {
  return {
    target,
    what,
    user,
    always: ALWAYS.get(`${target}: ${what}`) === base.name,
    apply(places) {
      const path = placeOf(base, target, places, user, dice);
      if (path === null) return false;
      if (byKind) {
        // The command starts in the world's own folder.
        if (what.includes('in ') && dirname(path) === places.world) return false;
        return change(path, user, KINDS[what] as KindMutator);
      }
      if (!isRegular(path)) return false;
      const before = readFileSync(path);
      const after = draw(before, target, TEXTS[target][what] as TextMutator, dice);
      if (after === null || (after.equals(before) && !(what in JOURNAL))) return false;
      writeFileSync(path, after);
      return true;
    },
  };
}

/** Some kinds of files only root can make. */
function change(path: string, user: Mutant['user'], mutate: KindMutator): boolean {
  if (process.getuid?.() === 0) mutate(path, user);
  else {
    try {
      mutate(path, user);
    } catch (error) {
      // Left out, as the missing user was said loudly.
      void error;
      return false;
    }
  }
  return true;
}

/** Never a config that would make the command call another machine, or write outside its world. */
function draw(before: Buffer, target: Target, mutate: TextMutator, dice: Dice): Buffer | null {
  for (let tries = 0; tries < 20; tries++) {
    const after = mutate(before, dice);
    if ((target !== 'config' && target !== 'snapshot') || staysHere(after.toString('latin1'))) return after;
  }
  return null;
}

function staysHere(text: string): boolean {
  const hosts = [...text.matchAll(/https?:\/\/([^/\s"']*)/g)].map(([, host]) => host ?? '');
  const absolute = /:\s*["']?\//.test(text.replace(/https?:\/\//g, ''));
  return !absolute && hosts.every((host) => /^127\.0\.0\.1(:\d*)?$/.test(host));
}

/** The file to change; what the world does not have by itself is put there first. */
function placeOf(
  base: Base,
  target: Target,
  places: Places,
  user: Mutant['user'],
  dice: Dice,
): string | null {
  const { world, dist, journal } = places;
  switch (target) {
    case 'config':
      return join(world, 'cutover.yaml');
    case 'snapshot':
      return join(world, base.state, 'last-config.json');
    case 'database':
      return join(world, base.state, 'state.db');
    case 'flag file':
      return base.flagFile && join(world, base.flagFile);
    case 'secret':
      return base.secret && join(world, base.secret);
    case 'side journal':
      return put(journal.path, journal.text, user === 'root' ? 0 : NOBODY);
    case 'planted journal':
      return put(journal.elsewhere, journal.text, NOBODY);
    case 'kept code':
      return keptModule(join(dist, 'code'), dice);
  }
}

/** A file in a folder, both of the user `owner`. */
function put(path: string, text: string, owner: number): string {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, text, { mode: 0o600 });
  if (owner > 0) for (const each of [dirname(path), path]) chownSync(each, owner, owner);
  return path;
}

function keptModule(dir: string, dice: Dice): string | null {
  if (!existsSync(dir)) return null;
  const found = readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  // Most modules have nothing to do with an emergency.
  const near = found.filter((path) => /\/(main|emergency)\b/.test(path));
  return found.length === 0 ? null : dice.one(near.length > 0 && dice.below(3) > 0 ? near : found);
}
