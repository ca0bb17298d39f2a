import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { messageOf } from '../errors.ts';
import { readOrdinaryFile } from '../files.ts';
import { flagIdentity } from './flag-identity.ts';
import type { ConfigParts } from './load.ts';
import { MAX_CONFIG_BYTES } from './path.ts';
import type { FlagConfig } from './schema.ts';
import {
  configHash,
  type EmergencyConfig,
  type PlacedFlag,
  readSnapshot,
  type Snapshot,
  snapshotPath,
} from './snapshot.ts';
import { DEFAULT_STATE } from './state.ts';

/**
 * Where an emergency knows a flag from: `config` writes it and is whole; `last config`: the last one that was whole,
 * under which earlier commands ran; `earlier config`: an operation has set it, and traffic may still follow it;
 * `damaged config`: written in one that is not whole; `default`: written nowhere.
 */
export type FlagSource = 'config' | 'last config' | 'earlier config' | 'damaged config' | 'default';

/** A flag that traffic may follow: an emergency sets each of them. */
export interface FlagInQuestion {
  config: FlagConfig;
  /** The folder that its path or command starts from. */
  dir: string;
  source: FlagSource;
}

export interface EmergencySettings
  extends Pick<EmergencyConfig, 'migration' | 'hooks' | 'checkpoints' | 'group'> {
  /** At least one; no two mean the same flag. */
  flags: [FlagInQuestion, ...FlagInQuestion[]];
  dir: string;
  stateDir: string;
  /** What had to be left out or guessed, for the user. */
  warnings: string[];
}

/**
 * Reads what an emergency needs of a config, as fast as possible and whatever state it is in: the snapshot when the
 * file is unchanged since, else the file and the snapshot together.
 * @throws CutoverError of the config (78) when nothing is left of either.
 */
export async function emergencySettings(
  path: string,
  dir: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<EmergencySettings> {
  const text = tryRead(path);
  const bySight = stateFolders(dir, env.CUTOVER_STATE, [stateKey(text ?? '')]);
  const known = findSnapshot(bySight, dir);
  if (
    text !== undefined &&
    known &&
    known.snapshot.hash === configHash(text) &&
    known.snapshot.dir === dir &&
    known.snapshot.written.every((one) => flagIdentity(one) === flagIdentity(placed(known.snapshot)))
  ) {
    const { flag, ...config } = known.snapshot.config;
    return {
      ...config,
      flags: [{ config: flag, dir, source: 'last config' }],
      dir,
      stateDir: known.dir,
      warnings: [],
    };
  }
  return fromBoth(path, dir, env.CUTOVER_STATE, text);
}

async function fromBoth(
  path: string,
  dir: string,
  asked: string | undefined,
  text: string | undefined,
): Promise<EmergencySettings> {
  const { loadConfig, readParts } = await import('./load.ts');
  let parts: ConfigParts | undefined;
  let fault: unknown;
  try {
    loadConfig(path);
  } catch (error) {
    fault = error;
  }
  if (text !== undefined) parts = readParts(text, fault === undefined);
  // A config that is whole says where its state is; what stands elsewhere is another migration's.
  const folders =
    fault === undefined
      ? [resolve(dir, asked ?? parts?.state ?? DEFAULT_STATE)]
      : stateFolders(dir, asked, [parts?.state, stateKey(text ?? '')]);
  const known = findSnapshot(folders, dir);
  if (fault !== undefined && !known && !parts?.usable) throw fault;
  const snapshot = known?.snapshot;
  const warnings = fault === undefined ? [] : messageOf(fault).split('\n');
  if (fault !== undefined && known)
    warnings.push(
      `what it does not say is taken from the last config that was whole (${snapshotPath(known.dir)})`,
    );
  // A part that is missing from a damaged config may be what the damage took away.
  const rest = fault === undefined || !snapshot ? parts : snapshot.config;
  return {
    migration: parts?.migration ?? snapshot?.config.migration ?? '?',
    hooks: rest?.hooks ?? { dns: [], notify: [] },
    checkpoints: rest?.checkpoints ?? { keep: 10 },
    group: rest?.group,
    flags: flagsInQuestion(parts, snapshot, dir),
    dir,
    stateDir: known?.dir ?? (folders[0] as string),
    warnings: [...warnings, ...(rest === parts ? (parts?.warnings ?? []) : [])],
  };
}

/**
 * The flag that the config writes and the one of the last good config; both where they differ. The default counts
 * only where neither says anything: the file may have lost the line.
 */
export function flagsInQuestion(
  parts: Pick<ConfigParts, 'whole' | 'flag' | 'flagWritten'> | undefined,
  snapshot: Pick<Snapshot, 'config' | 'written' | 'dir'> | undefined,
  dir: string,
): EmergencySettings['flags'] {
  const found: FlagInQuestion[] = [];
  const add = (one: PlacedFlag | null | undefined, source: FlagSource) => {
    if (!one) return;
    const identity = flagIdentity(one);
    if (found.some((other) => flagIdentity({ flag: other.config, dir: other.dir }) === identity)) return;
    found.push({ config: one.flag, dir: one.dir, source });
  };
  const current = parts?.flag && { flag: parts.flag, dir };
  const last = snapshot && placed(snapshot);
  const same = current && last && flagIdentity(current) === flagIdentity(last);
  // The same flag, with the timeouts that the config has for it now.
  if (last) add(same ? current : last, 'last config');
  if (parts?.whole) add(current, parts.flagWritten ? 'config' : 'default');
  else if (parts?.flagWritten) add(current, 'damaged config');
  for (const one of snapshot?.written ?? []) add(one, 'earlier config');
  if (found.length === 0) add(current ?? { flag: DEFAULT_FLAG, dir }, 'default');
  return found as EmergencySettings['flags'];
}

const DEFAULT_FLAG: FlagConfig = { driver: 'file', path: 'flags.json', key: 'llm-provider' };

const placed = ({ config, dir }: Pick<Snapshot, 'config' | 'dir'>): PlacedFlag => ({
  flag: config.flag,
  dir,
});

function tryRead(path: string): string | undefined {
  try {
    return readOrdinaryFile(path, { maxBytes: MAX_CONFIG_BYTES });
  } catch (error) {
    // loadConfig reads it again and says what is wrong, unless the snapshot can stand in.
    void error;
    return undefined;
  }
}

/** Where the state may be, the likeliest first. */
function stateFolders(
  dir: string,
  asked: string | undefined,
  keys: readonly (string | undefined)[],
): string[] {
  if (asked) return [resolve(dir, asked)];
  const names = [...keys.filter((key): key is string => key !== undefined && key !== ''), DEFAULT_STATE];
  return [...new Set(names.map((name) => resolve(dir, name)))];
}

function findSnapshot(
  folders: readonly string[],
  configDir: string,
): { dir: string; snapshot: Snapshot } | undefined {
  for (const dir of folders) {
    const snapshot = existsSync(snapshotPath(dir)) ? readSnapshot(dir, configDir) : undefined;
    if (snapshot) return { dir, snapshot };
  }
  return undefined;
}

/** The `state` key by sight, or `path` in it, so that the snapshot is found without parsing YAML. */
function stateKey(text: string): string | undefined {
  const value = `["']?([^"'#{},\\r\\n]+?)["']?[ \\t\\r]*`;
  const folder = new RegExp(`^state:[ \\t]*${value}(?:#.*)?$`, 'm');
  const inBraces = new RegExp(`^state:[ \\t]*\\{[^}\\n]*?\\bpath:[ \\t]*${value}[,}]`, 'm');
  const indented = new RegExp(
    `^state:[ \\t\\r]*(?:#.*)?\\n(?:[ \\t]+.*\\n)*?[ \\t]+path:[ \\t]*${value}(?:#.*)?$`,
    'm',
  );
  return (folder.exec(text) ?? inBraces.exec(text) ?? indented.exec(text))?.[1];
}
