import { join, resolve } from 'node:path';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { configPath } from '../config/path.ts';
import type { Secrets } from '../config/secrets.ts';
import { earlierFlags, keepSnapshot } from '../config/snapshot.ts';
import { stateSettings } from '../config/state.ts';
import { type CutoverError, messageOf, systemCode } from '../errors.ts';
import { createFlag, otherFlag } from '../flag/create.ts';
import { loadHooks } from '../hooks/load.ts';
import { actorOf } from '../operation/actor.ts';
import type { JournalOptions } from '../operation/journal.ts';
import { thisHolder } from '../operation/lease.ts';
import type { Drivers } from '../operation/steps.ts';
import { waitingMessages } from '../store/messages.ts';
import { DATABASE_NAME, type Db, explainFault, openStore, StateDamage } from '../store/open.ts';
import type { StateCopy } from '../store/reading.ts';
import { adoptEmergencies } from './adopt.ts';
import type { Context, GlobalOptions } from './context.ts';
import { secretsOf } from './secrets.ts';

/** What a command that only looks at a migration works with. */
export interface Reading extends LoadedConfig {
  secrets: Secrets;
  stateDir: string;
  db: Db;
  drivers: Drivers;
  actor: string;
  clock: { now(): number; random(): number };
  /** What every change is refused with: a newer cutover has written the state. Null when none has. */
  newer: CutoverError | null;
  /** Reads the state anew where `db` is a copy of it: what happens meanwhile is in no copy. */
  refresh(): Promise<void>;
  close(): void;
}

/** What every command that changes a migration works with. */
export interface Session extends Reading {
  journal: JournalOptions;
}

/**
 * Loads the config and opens the state.
 * @throws CutoverError of config (78) and store.
 */
export async function openSession(
  ctx: Context,
  globals: GlobalOptions & { dryRun?: boolean },
): Promise<Session> {
  const { group, ...config } = await configured(ctx, globals);
  if (globals.dryRun) {
    // What would be done is decided on a copy: nothing at all is changed, not even by looking.
    const { db: copy, newer } = await copyOf(config, true, (warning) => ctx.note(`warning: ${warning}`));
    // What would be refused is no plan.
    if (newer) {
      copy.close();
      throw newer;
    }
    return { ...config, db: copy, newer, refresh: async () => {}, close: () => void copy.close() };
  }
  const { stateDir, drivers, journal, clock } = config;
  const db = openStore(stateDir, { now: clock.now(), group, onNote: ctx.note });
  try {
    keepSnapshot(stateDir, config.text, config.dir, config.config);
    for (const line of await adoptEmergencies(db, stateDir, drivers, journal)) ctx.note(line);
  } catch (error) {
    db.close();
    throw explainFault(db.name, error);
  }
  return { ...config, db, newer: null, refresh: async () => {}, close: () => db.close() };
}

/**
 * Loads the config and reads the state, and writes nothing: what emergencies could not journal is told, and stays
 * where it is.
 * @param journaled whether the state is to be shown as if they were in the journal already
 * @throws CutoverError of config (78) and store.
 */
export async function openReading(ctx: Context, globals: GlobalOptions, journaled = false): Promise<Reading> {
  const { group: _group, ...config } = await configured(ctx, globals);
  const warn = (text: string) => ctx.note(`warning: ${text}`);
  const { db, newer } = await copyOf(config, journaled, warn);
  if (newer) warn(`${newer.message}; shown as far as this one knows it`);
  const reading = {
    ...config,
    db,
    newer,
    refresh: async () => {
      // What is to be known was told of the first copy.
      const anew = await copyOf(config, journaled, () => {});
      reading.db.close();
      Object.assign(reading, anew);
    },
    close: () => void reading.db.close(),
  };
  return reading;
}

/** A copy of the state in memory, which can only be looked at. */
async function copyOf(
  { stateDir, drivers, clock, journal }: Pick<Session, 'stateDir' | 'drivers' | 'clock' | 'journal'>,
  journaled: boolean,
  warn: (text: string) => void,
): Promise<StateCopy> {
  const { readStore } = await import('../store/reading.ts');
  const copy = readStore(stateDir, clock.now());
  const { db } = copy;
  try {
    db.exec('BEGIN');
    try {
      for (const line of await adoptEmergencies(db, stateDir, drivers, journal)) warn(line);
      db.exec(journaled ? 'COMMIT' : 'ROLLBACK');
    } catch (error) {
      db.exec('ROLLBACK');
      warn(`an emergency that is not in the journal yet cannot be read: ${messageOf(error)}`);
    }
    // It is a copy: what would be written to it would be lost.
    db.pragma('query_only = ON');
    return copy;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** All of a session but the database. */
async function configured(ctx: Context, globals: GlobalOptions) {
  const { path } = configPath(ctx.cwd, globals.config, ctx.env);
  const loaded = loadConfig(path);
  const { config, dir } = loaded;
  const secrets = secretsOf(ctx, loaded);
  const state = stateSettings(config.state);
  const clock = { now: () => ctx.now().getTime(), random: Math.random };
  const host = { dir, env: ctx.env, secrets };
  const actor = actorOf(ctx.env);
  const stateDir = resolve(dir, ctx.env.CUTOVER_STATE ?? state.path);
  const flagHost = { ...host, migration: config.migration };
  const drivers = {
    flag: createFlag(config.flag, flagHost),
    otherFlags: earlierFlags(stateDir, { flag: config.flag, dir }).map((earlier, i) =>
      otherFlag(
        createFlag(earlier.flag, { ...flagHost, dir: earlier.dir }),
        `of an earlier config${i === 0 ? '' : `, ${i + 1}`}`,
      ),
    ),
    ...(await loadHooks(config.hooks, host)),
  };
  const journal = {
    migration: config.migration,
    holder: thisHolder(actor),
    keep: config.checkpoints.keep,
    told: drivers.notify,
    now: clock.now,
  };
  return { ...loaded, group: state.group, secrets, stateDir, drivers, actor, journal, clock };
}

/**
 * Runs `work` in a session and closes it however `work` ends; before that, what waits to be told is sent.
 * @param sends whether it is
 */
export async function withSession<T>(
  ctx: Context,
  globals: GlobalOptions & { dryRun?: boolean },
  work: (session: Session) => Promise<T>,
  sends = true,
): Promise<T> {
  return closing(await openSession(ctx, globals), async (session) => {
    try {
      return await work(session);
    } finally {
      if (sends && !globals.dryRun) await noteLeft(ctx, session);
    }
  });
}

/** Sends what waits to be told, and says what came of it. */
export async function noteLeft(ctx: Context, session: Session): Promise<void> {
  if (waitingMessages(session.db).length === 0) return;
  const { leftLines, sendLeft } = await import('./send-left.ts');
  for (const line of leftLines(await sendLeft(ctx, session))) ctx.note(line);
}

/** Runs `work` on the state as it is, which it can only look at. `journaled` as for `openReading`. */
export async function withReading<T>(
  ctx: Context,
  globals: GlobalOptions,
  work: (reading: Reading) => Promise<T>,
  journaled = false,
): Promise<T> {
  const reading = await openReading(ctx, globals, journaled);
  return closing(reading, (open) => explainingDamage(open.stateDir, () => work(open)));
}

/** Damage that shows only when a page is read: said as the store says it. */
async function explainingDamage<T>(stateDir: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof StateDamage) && !systemCode(error)?.startsWith('SQLITE_')) throw error;
    throw explainFault(join(stateDir, DATABASE_NAME), error);
  }
}

async function closing<S extends Reading, T>(session: S, work: (session: S) => Promise<T>): Promise<T> {
  try {
    return await work(session);
  } catch (error) {
    throw explainFault(session.db.name, error);
  } finally {
    session.close();
  }
}
