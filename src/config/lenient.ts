import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { messageOf } from '../errors.ts';
import type { Config } from './schema.ts';
import { stateSettings } from './state.ts';

/** The parts of a config that an emergency needs. */
export type EmergencyConfig = Pick<Config, 'migration' | 'flag' | 'hooks' | 'checkpoints'>;

export interface EmergencySettings {
  config: EmergencyConfig;
  dir: string;
  stateDir: string;
  /** What had to be left out or guessed, for the user. */
  warnings: string[];
}

/** The copy of the last config that was whole, kept in the state folder. It holds references, never secrets. */
export const SNAPSHOT_NAME = 'last-config.json';

/** A hash that tells whether a snapshot was made of this text. */
export function configHash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * Reads what an emergency needs of a config, as fast as possible and whatever state it is in: the snapshot when
 * the file is unchanged since, else the file, else the parts of it that are whole, else the snapshot.
 * @throws the config's own error when neither tells where the flag is.
 */
export async function emergencySettings(
  path: string,
  dir: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<EmergencySettings> {
  const text = tryRead(path);
  const stateDir = resolve(dir, env.CUTOVER_STATE ?? stateKey(text ?? '') ?? '.cutover');
  const snapshot = readSnapshot(stateDir);
  if (text !== undefined && snapshot?.hash === configHash(text)) {
    return { config: snapshot.config, dir, stateDir, warnings: [] };
  }
  const { loadConfig, loadParts } = await import('./load.ts');
  try {
    const { config } = loadConfig(path);
    return {
      config,
      dir,
      stateDir: resolve(dir, env.CUTOVER_STATE ?? stateSettings(config.state).path),
      warnings: [],
    };
  } catch (error) {
    const parts = text === undefined ? undefined : loadParts(text);
    if (parts) return { ...parts, dir, stateDir, warnings: [messageOf(error), ...parts.warnings] };
    if (!snapshot) throw error;
    const warnings = [
      messageOf(error),
      `using the last config that was whole (${join(stateDir, SNAPSHOT_NAME)})`,
    ];
    return { config: snapshot.config, dir, stateDir, warnings };
  }
}

function tryRead(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    // loadConfig reads it again and says what is wrong, unless the snapshot can stand in.
    void error;
    return undefined;
  }
}

/** The `state` key by sight, or `path` in it, so that the snapshot is found without parsing YAML. */
function stateKey(text: string): string | undefined {
  const value = `["']?([^"'#{},\\n]+?)["']?[ \\t]*`;
  const folder = new RegExp(`^state:[ \\t]*${value}(?:#.*)?$`, 'm');
  const inBraces = new RegExp(`^state:[ \\t]*\\{[^}\\n]*?\\bpath:[ \\t]*${value}[,}]`, 'm');
  const indented = new RegExp(
    `^state:[ \\t]*(?:#.*)?\\n(?:[ \\t]+.*\\n)*?[ \\t]+path:[ \\t]*${value}(?:#.*)?$`,
    'm',
  );
  return (folder.exec(text) ?? inBraces.exec(text) ?? indented.exec(text))?.[1];
}

function readSnapshot(stateDir: string): { hash: string; config: EmergencyConfig } | undefined {
  try {
    const value = JSON.parse(readFileSync(join(stateDir, SNAPSHOT_NAME), 'utf8')) as unknown;
    if (typeof value !== 'object' || value === null || !('hash' in value) || !('config' in value))
      return undefined;
    return value as { hash: string; config: EmergencyConfig };
  } catch (error) {
    // No snapshot yet, or a damaged one: the config itself is read.
    void error;
    return undefined;
  }
}
