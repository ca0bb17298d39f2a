import { resolve } from 'node:path';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { configPath } from '../config/path.ts';
import type { Secrets } from '../config/secrets.ts';
import { keepSnapshot } from '../config/snapshot.ts';
import { createFlag } from '../flag/create.ts';
import { actorOf } from '../operation/actor.ts';
import type { JournalOptions } from '../operation/journal.ts';
import { thisHolder } from '../operation/lease.ts';
import type { Drivers } from '../operation/steps.ts';
import { type Db, explainFault, openStore } from '../store/open.ts';
import { adoptEmergencies } from './adopt.ts';
import type { Context, GlobalOptions } from './context.ts';
import { secretsOf } from './secrets.ts';

/** What every command that looks at or changes a migration works with. */
export interface Session extends LoadedConfig {
  secrets: Secrets;
  stateDir: string;
  db: Db;
  drivers: Drivers;
  actor: string;
  journal: JournalOptions;
  clock: { now(): number; random(): number };
  close(): void;
}

/**
 * Loads the config and opens the state.
 * @throws CutoverError of config (78) and store.
 */
export async function openSession(ctx: Context, globals: GlobalOptions): Promise<Session> {
  const { path } = configPath(ctx.cwd, globals.config, ctx.env);
  const loaded = loadConfig(path);
  const { config, dir } = loaded;
  const secrets = secretsOf(ctx, loaded);
  const stateDir = resolve(dir, ctx.env.CUTOVER_STATE ?? config.state);
  const clock = { now: () => ctx.now().getTime(), random: Math.random };
  const host = { dir, env: ctx.env, secrets };
  const actor = actorOf(ctx.env);
  const { createHooks } = await import('../hooks/create.ts');
  const drivers = { flag: createFlag(config.flag, host), ...createHooks(config.hooks, host) };
  const journal = {
    migration: config.migration,
    holder: thisHolder(actor),
    keep: config.checkpoints.keep,
    now: clock.now,
  };
  const db = openStore(stateDir, { now: clock.now() });
  try {
    keepSnapshot(stateDir, loaded.text, config);
    for (const line of await adoptEmergencies(db, stateDir, drivers, journal)) ctx.note(line);
  } catch (error) {
    db.close();
    throw explainFault(db.name, error);
  }
  return { ...loaded, secrets, stateDir, db, drivers, actor, journal, clock, close: () => db.close() };
}

/** Runs `work` in a session and closes it however `work` ends. */
export async function withSession<T>(
  ctx: Context,
  globals: GlobalOptions,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await openSession(ctx, globals);
  try {
    return await work(session);
  } catch (error) {
    throw explainFault(session.db.name, error);
  } finally {
    session.close();
  }
}
