import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import { readOrdinaryFile } from '../files.ts';
import { flagIdentity } from './flag-identity.ts';
import type { Config, FlagConfig } from './schema.ts';
import { DEFAULT_STATE, stateSettings } from './state.ts';

/** The parts of a config that an emergency needs. */
export interface EmergencyConfig extends Pick<Config, 'migration' | 'flag' | 'hooks' | 'checkpoints'> {
  /** The group that may read the state, where the config names one. */
  group?: string | null | undefined;
}

/** A flag, and the folder that its path or command starts from. */
export interface PlacedFlag {
  flag: FlagConfig;
  dir: string;
}

/** The copy of the last config that was whole. It holds references, never secrets. */
export interface Snapshot {
  /** Of the text that it was made of. */
  hash: string;
  /** The folder of the config: paths and commands in it start there. */
  dir: string;
  config: EmergencyConfig;
  /** The flags that operations have set and that traffic may still follow, the latest first. */
  written: PlacedFlag[];
}

const NAME = 'last-config.json';
const MAX_BYTES = 1_000_000;
/** Nobody moves a flag so often in one migration. */
const MAX_WRITTEN = 16;

export const snapshotPath = (stateDir: string): string => join(stateDir, NAME);

/** A hash that tells whether a snapshot was made of this text. */
export function configHash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * The snapshot in a state folder; undefined when there is none, or one that is not as it was written.
 * @param dir the folder of the config: a state in it was moved or copied along with what stands beside it
 */
export function readSnapshot(stateDir: string, dir: string): Snapshot | undefined {
  try {
    const { digest, ...snapshot } = JSON.parse(
      readOrdinaryFile(snapshotPath(stateDir), { maxBytes: MAX_BYTES }),
    ) as Snapshot & { digest: string };
    if (digest !== digestOf(snapshot)) return undefined;
    return stateDir.startsWith(`${dir}${sep}`) ? movedTo(dir, snapshot) : snapshot;
  } catch (error) {
    // None yet, or a damaged one: then the config itself has to tell.
    void error;
    return undefined;
  }
}

function movedTo(dir: string, snapshot: Snapshot): Snapshot {
  const written = snapshot.written.map((one) => (one.dir === snapshot.dir ? { ...one, dir } : one));
  return { ...snapshot, dir, written };
}

/** Keeps a copy of a whole config for an emergency (see lenient.ts). Does nothing when it is there already. */
export function keepSnapshot(stateDir: string, text: string, dir: string, config: Config): void {
  const { migration, flag, hooks, checkpoints, state } = config;
  const last = readSnapshot(stateDir, dir);
  const kept = { migration, flag, hooks, checkpoints, group: stateSettings(state).group };
  keep(stateDir, { hash: configHash(text), dir, config: kept, written: last?.written ?? [] }, last);
  forgetMoved(dir, stateDir, migration);
}

/** Of a migration whose state has moved, what stands where it usually is would name a flag of former days. */
function forgetMoved(dir: string, stateDir: string, migration: string): void {
  const usual = resolve(dir, DEFAULT_STATE);
  if (usual === stateDir || readSnapshot(usual, dir)?.config.migration !== migration) return;
  try {
    rmSync(snapshotPath(usual), { force: true });
  } catch (error) {
    // Not ours to remove: it stays as it was.
    void error;
  }
}

/** The flags that traffic may still follow besides the one that the config names now. */
export function earlierFlags(stateDir: string, now: PlacedFlag): PlacedFlag[] {
  return without(readSnapshot(stateDir, now.dir)?.written ?? [], now);
}

/** To be called before an operation sets a flag: from then on traffic may follow it. */
export function rememberWritten(stateDir: string, now: PlacedFlag): void {
  const last = readSnapshot(stateDir, now.dir);
  if (!last) return;
  const written = [now, ...without(last.written, now)].slice(0, MAX_WRITTEN);
  keep(stateDir, { ...last, written }, last);
}

/** To be called when no request follows any flag but this one any more. */
export function forgetOtherFlags(stateDir: string, now: PlacedFlag): void {
  const last = readSnapshot(stateDir, now.dir);
  if (last) keep(stateDir, { ...last, written: [now] }, last);
}

function without(flags: readonly PlacedFlag[], now: PlacedFlag): PlacedFlag[] {
  return flags.filter((other) => flagIdentity(other) !== flagIdentity(now));
}

function keep(stateDir: string, snapshot: Snapshot, last: Snapshot | undefined): void {
  if (last && digestOf(last) === digestOf(snapshot)) return;
  const temporary = `${snapshotPath(stateDir)}.${process.pid}.tmp`;
  try {
    rmSync(temporary, { force: true });
    const fd = openSync(temporary, 'wx', 0o600);
    try {
      writeSync(fd, JSON.stringify({ ...snapshot, digest: digestOf(snapshot) }));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, snapshotPath(stateDir));
  } catch (error) {
    // A convenience for later must not fail the command at hand: an emergency can do without it.
    void error;
  }
}

function digestOf({ hash, dir, config, written }: Snapshot): string {
  return configHash(JSON.stringify([hash, dir, config, written]));
}
